/** A stream that may be a terminal. */
export interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** SGR codes: on, off. Not `util.styleText`, which looks at the process's own stream instead of the one given. */
const STYLES = { bold: [1, 22], dim: [2, 22], green: [32, 39], red: [31, 39], cyan: [36, 39] } as const;

export type Paint = (style: keyof typeof STYLES, text: string) => string;

/** Colours on a terminal only, and not where NO_COLOR is set (no-color.org) or the terminal is dumb. */
export function paintFor(stream: TerminalStream, env: Readonly<Record<string, string | undefined>>): Paint {
  const colours = stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  if (!colours) return (_, text) => text;
  return (style, text) => `\u001b[${STYLES[style][0]}m${text}\u001b[${STYLES[style][1]}m`;
}
