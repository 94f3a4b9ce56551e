import type { DeadLetter } from '../dead-letters/dead-letter.ts';
import { ago } from './age.ts';
import { type Command, type CommandIo, isOn } from './command.ts';
import { BROKER_FLAG, DEAD_FLAGS, type DeadCall, type DeadSession, deadCall, withDeadLetters } from './dead-call.ts';
import { nothingMatches } from './dead-words.ts';
import { DONE } from './exit-code.ts';
import { jsonLine, letterRow } from './letter-json.ts';
import { paintFor } from './paint.ts';
import { cut, printable } from './printable.ts';
import { group } from './progress-line.ts';
import { tableLines } from './table.ts';

const DEFAULT_LIMIT = 100;
const LONGEST_NAME = 32;
const LONGEST_CODE = 24;
const PLAIN_COLUMNS = 160;
const SHORTEST_MESSAGE = 20;
const HEADINGS = ['ID', 'TASK', 'CODE', 'ATTEMPTS', 'DIED', 'MESSAGE'];

/** `millrace dead list`: a row a letter. */
export const deadListCommand: Command = {
  name: 'dead list',
  operands: 'QUEUE [ID …]',
  summary: 'list the dead letters of a queue: what failed, when, and why',
  description:
    'Shows the messages in QUEUE.dead, the oldest first, a row each. Everything stays where it is; while the list is ' +
    'made, nobody else can take the letters. With --json it prints an object a line.',
  flags: [...DEAD_FLAGS, { name: 'json', summary: 'print one JSON object a line' }, BROKER_FLAG],
  examples: [
    'millrace dead list calls',
    'millrace dead list calls --code E_TASK_TIMEOUT --newer-than 2h',
    'millrace dead list calls --limit 1000000 --json | jq -r .code | sort | uniq -c',
  ],
  async run(values, io, operands) {
    const call = deadCall('dead list', values, operands);
    return await withDeadLetters(call, io, (session) => listLetters(call, session, io, isOn(values, 'json')));
  },
};

/** The command with its queue open. */
export async function listLetters(
  call: DeadCall,
  { letters, signal, interrupted }: DeadSession,
  io: CommandIo,
  json: boolean,
): Promise<number> {
  const total = await letters.count();
  const limit = call.limit ?? DEFAULT_LIMIT;
  const rows: string[][] = [];
  for await (const letter of letters.list(call.filter, { limit, signal })) {
    if (json) io.stdout.write(jsonLine(letterRow(letter)));
    else rows.push(rowOf(letter, Date.now()));
  }
  const more = rows.length >= limit && rows.length < total ? '; --limit shows more' : '';
  const footer = `${group(rows.length)} of ${group(total)} in '${letters.deadQueue}'${more}`;
  const table = tableLines(HEADINGS, fitted(rows, io), paintFor(io.stdout, io.env));
  const page = rows.length === 0 ? nothingMatches(total, letters.deadQueue) : [...table, '', footer].join('\n');
  if (!json) io.stdout.write(`${page}\n`);
  return signal.aborted ? interrupted() : DONE;
}

function rowOf(letter: DeadLetter, now: number): string[] {
  return [
    printable(letter.id),
    letter.task === undefined ? '-' : cut(printable(letter.task), LONGEST_NAME),
    cut(printable(letter.code), LONGEST_CODE),
    String(letter.attempts),
    letter.deadAt === undefined ? '-' : ago(letter.deadAt, now),
    printable(letter.message),
  ];
}

/** The messages are cut so that a row fits its line. */
function fitted(rows: readonly string[][], { stdout }: CommandIo): readonly string[][] {
  const columns = stdout.isTTY === true ? (stdout.columns ?? PLAIN_COLUMNS) : PLAIN_COLUMNS;
  const last = HEADINGS.length - 1;
  const before = HEADINGS.slice(0, last).reduce(
    (sum, heading, column) => sum + 2 + Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
    0,
  );
  const room = Math.max(SHORTEST_MESSAGE, columns - before);
  return rows.map((row) => [...row.slice(0, last), cut(row[last] ?? '', room)]);
}
