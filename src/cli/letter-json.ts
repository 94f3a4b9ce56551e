import type { DeadLetter } from '../dead-letters/dead-letter.ts';
import { readBody } from '../dead-letters/letter-body.ts';

/** One line of `dead list --json`. */
export function letterRow(letter: DeadLetter): object {
  const { id, task, queue, code, message, outcome, attempts, worker, deadAt, replays, body } = letter;
  return {
    id,
    task: task ?? null,
    queue,
    code,
    message,
    outcome,
    attempts,
    worker: worker ?? null,
    deadAt: deadAt?.toISOString() ?? null,
    replays,
    bodyBytes: body.length,
  };
}

/** One line of `dead show --json`: everything that is known. The body is in `json`, `text` or `base64`, as it is one. */
export function letterDetails(letter: DeadLetter): object {
  const { stack, history, original, body } = letter;
  const read = readBody(body, original?.contentType, original?.contentEncoding);
  return {
    ...letterRow(letter),
    stack: stack ?? null,
    history,
    properties: original ?? null,
    ...(read.kind === 'json' ? { json: read.value } : {}),
    ...(read.kind === 'text' ? { text: read.text } : {}),
    ...(read.kind === 'binary' ? { base64: Buffer.from(read.bytes).toString('base64') } : {}),
  };
}

/** JSON in one line, with a line feed. Headers may hold integers that JSON has no type for, and bytes: both as text. */
export function jsonLine(value: object): string {
  return `${JSON.stringify(value, textForm)}\n`;
}

function textForm(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  const original = (this as Readonly<Record<string, unknown>>)[key];
  return Buffer.isBuffer(original) ? original.toString('base64') : value;
}
