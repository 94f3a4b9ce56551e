import type { Readable } from 'node:stream';
import type { SignalSource } from '../runtime/signals.ts';
import type { TerminalStream } from './paint.ts';

/** One flag, as data: parsing, `--help` and docs/reference/cli.md are made from it. */
export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in the help, e.g. `URL`. Without it the flag is a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  readonly summary: string;
}

export type FlagValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** What a command may use of the process; tests give their own. */
export interface CommandIo {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where signals come from; without it nothing interrupts a command. */
  readonly signals?: SignalSource;
}

export interface Command {
  /** One word, or two: those that share the first one are a group. */
  readonly name: string;
  /** What follows the name beside the flags, as the help shows it, e.g. `QUEUE [ID …]`. Without it nothing may. */
  readonly operands?: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** A paragraph for `--help` and the docs. */
  readonly description: string;
  readonly flags: readonly Flag[];
  readonly examples: readonly string[];
  /** Resolves with the exit code. What it throws becomes one line and an exit code in main.ts. */
  run(values: FlagValues, io: CommandIo, operands: readonly string[]): Promise<number>;
}

/** Wrong usage: main.ts shows the message and ends with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The flag's text, undefined where it was not given. */
export function textOf(values: FlagValues, flag: string): string | undefined {
  const value = values[flag];
  return typeof value === 'string' ? value : undefined;
}

/** The texts of a flag that may be given several times. */
export function textsOf(values: FlagValues, flag: string): readonly string[] | undefined {
  const value = values[flag];
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : undefined;
}

export function isOn(values: FlagValues, flag: string): boolean {
  return values[flag] === true;
}

/** The flag as a whole number in a range, undefined where it was not given. Throws UsageError. */
export function integerOf(values: FlagValues, flag: string, min: number, max: number): number | undefined {
  const text = textOf(values, flag);
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`--${flag} is '${text}'; expected a whole number from ${min} to ${max}`);
}
