// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * Text of unknown origin in one line: control characters, which could move the cursor or recolour a terminal, are shown
 * as escapes.
 */
export function printable(text: string): string {
  return text.replaceAll(CONTROLS, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return ' ';
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** The same for text of several lines. */
export function printableLines(text: string): readonly string[] {
  return text.split(/\r?\n/).map(printable);
}

/** At most `longest` characters, the last one an ellipsis where some are missing. */
export function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, Math.max(0, longest - 1))}…`;
}
