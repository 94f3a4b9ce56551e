import type { DeadLetter } from '../dead-letters/dead-letter.ts';
import { bodyLines, readBody } from '../dead-letters/letter-body.ts';
import { ERROR_CODES } from '../errors/codes.ts';
import { redactSecrets } from '../support/redact.ts';
import { ago, utc } from './age.ts';
import type { Paint } from './paint.ts';
import { cut, printable, printableLines } from './printable.ts';
import { tableLines } from './table.ts';

const LONGEST_BODY = 16_384;
const LONGEST_ERROR = 120;
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

export interface PageSettings {
  /** The queue whose dead letters these are. A letter may come from another one. */
  readonly queue: string;
  readonly deadQueue: string;
  readonly now: number;
  readonly paint: Paint;
  /** The broker that was named on the command line: the commands shown have to name it too. */
  readonly broker: readonly string[] | undefined;
}

/** Everything about one dead letter, for somebody who has never seen it: what it was, what happened, what can be done. */
export function letterPage(letter: DeadLetter, settings: PageSettings): string {
  const { paint } = settings;
  const sections: readonly (readonly [heading: string, lines: readonly string[]])[] = [
    [`Dead letter ${printable(letter.id)}`, factLines(letter, settings)],
    [attemptsHeading(letter), attemptLines(letter, paint)],
    ['Where it was thrown', letter.stack === undefined ? [] : printableLines(letter.stack)],
    [bodyHeading(letter), bodyOf(letter)],
    ['Headers', headerLines(letter)],
    ['What can be done', remedyLines(letter, settings)],
  ];
  return sections
    .filter(([, lines]) => lines.length > 0)
    .map(([heading, lines]) => `${paint('bold', heading)}\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`)
    .join('\n');
}

function factLines(letter: DeadLetter, { deadQueue, now }: PageSettings): readonly string[] {
  const { task, queue, code, message, outcome, attempts, worker, deadAt, replays, original } = letter;
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    ['task', task ?? '(none is named)'],
    ['queue', `${queue}; the dead letter is in ${deadQueue}`],
    ['sent', original?.timestamp === undefined ? undefined : utc(new Date(original.timestamp * 1000))],
    ['died', deadAt === undefined ? '(not known)' : `${utc(deadAt)}, ${ago(deadAt, now)}`],
    ['outcome', `${outcome}, ${attempts === 0 ? 'no attempt counted' : `after ${times(attempts, 'attempt')}`}`],
    ['error', message === '' ? code : `${code}: ${message}`],
    ['', meaningOf(code)],
    ['worker', worker === undefined ? undefined : `${worker} (host and process id)`],
    ['replayed', replays === 0 ? undefined : `${times(replays, 'time')} before`],
  ];
  return facts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(9)} ${printable(value ?? '')}`);
}

function meaningOf(code: string): string | undefined {
  return Object.hasOwn(ERROR_CODES, code) ? ERROR_CODES[code as keyof typeof ERROR_CODES].summary : undefined;
}

function attemptsHeading({ history, attempts }: DeadLetter): string {
  return history.length < attempts ? `Attempts, the last ${history.length} of ${attempts}` : 'Attempts';
}

function attemptLines({ history }: DeadLetter, paint: Paint): readonly string[] {
  if (history.length === 0) return [];
  const rows = history.map(({ attempt, at, outcome, code, message, worker }) => [
    String(attempt),
    printable(at),
    printable(outcome),
    printable(worker),
    cut(printable(`${code}: ${message}`), LONGEST_ERROR),
  ]);
  return tableLines(['#', 'ENDED', 'OUTCOME', 'WORKER', 'ERROR'], rows, paint);
}

function bodyHeading({ body, original }: DeadLetter): string {
  const type = original?.contentType === undefined ? '' : `, ${printable(original.contentType)}`;
  return `Body, ${times(body.length, 'byte')}${type}`;
}

function bodyOf({ body, original }: DeadLetter): readonly string[] {
  const read = readBody(body, original?.contentType, original?.contentEncoding);
  return body.length === 0 ? ['(empty)'] : bodyLines(read, LONGEST_BODY).map(printable);
}

function headerLines({ original }: DeadLetter): readonly string[] {
  const entries = Object.entries(original?.headers ?? {});
  const widest = Math.max(0, ...entries.map(([name]) => printable(name).length));
  return entries.map(([name, value]) => `${printable(name).padEnd(widest)}  ${printable(shownValue(value))}`);
}

function shownValue(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'bigint') return String(value);
  if (Buffer.isBuffer(value)) return `0x${value.toString('hex')}`;
  return (
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? String(value)
  );
}

function remedyLines({ id, original }: DeadLetter, { queue, broker = [] }: PageSettings): readonly string[] {
  const flags = broker.map((url) => ` --broker ${shellWord(redactSecrets(url))}`).join('');
  const words = `${shellWord(queue)} ${shellWord(id)}${flags}`;
  const drop = ['give it up for good:', `  millrace dead drop ${words} --yes`];
  if (original === undefined) return ['It cannot be replayed: its properties cannot be read.', ...drop];
  return ['run it again, when its cause is cured:', `  millrace dead replay ${words}`, ...drop];
}

/** As one word of a shell's command line. */
function shellWord(text: string): string {
  return PLAIN_WORD.test(text) ? text : `'${printable(text).replaceAll("'", `'\\''`)}'`;
}

function times(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
