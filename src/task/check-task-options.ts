import { RuntimeError } from '../errors/runtime-error.ts';
import { closestWord } from '../support/closest-word.ts';
import { parseDuration } from '../support/duration.ts';
import { checkRetry, type RetrySettings } from './retry-policy.ts';

/** AMQP carries names of tasks and queues as short strings. */
const LONGEST_NAME_BYTES = 255;
const MOST_AT_ONCE = 10_000;

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** What `defineTask` and `defineBatchTask` both take; only the first takes `concurrency`. */
const BATCH_TASK_KEYS = ['queue', 'body', 'timeout', 'grace', 'retry', 'startWithin', 'expiredQueue'];
const TASK_KEYS = ['concurrency', ...BATCH_TASK_KEYS];

/** The options of a task as its definition has them: checked, durations in ms, undefined where nothing was said. */
export interface CheckedTaskOptions {
  readonly queue: string | undefined;
  readonly concurrency: number;
  readonly body: 'json' | 'bytes' | undefined;
  readonly timeoutMs: number | undefined;
  readonly graceMs: number | undefined;
  readonly retry: RetrySettings | undefined;
  readonly startWithinMs: number | undefined;
  readonly expiredQueue: string | undefined;
}

/** Throws E_OPTION_TYPE or E_OPTION_RANGE. */
export function checkTaskName(name: unknown): asserts name is string {
  if (typeof name !== 'string') {
    throw new RuntimeError('E_OPTION_TYPE', `a task's name must be a string, got a ${typeof name}`);
  }
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > LONGEST_NAME_BYTES) {
    throw new RuntimeError(
      'E_OPTION_RANGE',
      `a task's name must have 1 to ${LONGEST_NAME_BYTES} bytes of UTF-8, got ${bytes}${bytes === 0 ? '' : `: "${name.slice(0, 40)}…"`}`,
    );
  }
}

/**
 * Throws E_OPTION_TYPE, E_OPTION_RANGE or E_OPTION_UNKNOWN, naming the task.
 * @param options - as the caller of `defineTask` or `defineBatchTask` gave them: nothing about them is known
 */
export function checkTaskOptions(name: string, kind: 'task' | 'batch', options: unknown): CheckedTaskOptions {
  if (typeof options !== 'object' || options === null) throw wrongType(name, 'the options', 'an object', options);
  const given = options as Readonly<Record<string, unknown>>;
  checkKeys(name, kind === 'task' ? TASK_KEYS : BATCH_TASK_KEYS, given);
  return Object.freeze({
    queue: queueName(name, 'queue', given['queue']),
    concurrency: concurrencyOf(name, given['concurrency']),
    body: bodyOf(name, given['body']),
    timeoutMs: durationMs(name, given, { key: 'timeout', min: 10, max: 24 * HOUR_MS, range: '10ms to 24h' }),
    graceMs: durationMs(name, given, { key: 'grace', min: 0, max: 10 * MINUTE_MS, range: '0ms to 10m' }),
    retry: retryOf(name, given['retry']),
    startWithinMs: durationMs(name, given, {
      key: 'startWithin',
      min: SECOND_MS,
      max: 8_760 * HOUR_MS,
      range: '1s to 8760h',
    }),
    expiredQueue: queueName(name, 'expiredQueue', given['expiredQueue']),
  });
}

export function wrongType(name: string, what: string, expected: string, got: unknown): RuntimeError {
  return new RuntimeError(
    'E_OPTION_TYPE',
    `task "${name}": ${what} must be ${expected}, got ${got === null ? 'null' : `a ${typeof got}`}`,
  );
}

function checkKeys(name: string, known: readonly string[], given: Readonly<Record<string, unknown>>): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const near = closestWord(key, known);
    throw new RuntimeError(
      'E_OPTION_UNKNOWN',
      `task "${name}": unknown option "${key}"${near === undefined ? '' : `, did you mean "${near}"?`}; known are ${known.join(', ')}`,
    );
  }
}

function concurrencyOf(name: string, concurrency: unknown): number {
  if (concurrency === undefined) return 1;
  if (typeof concurrency !== 'number') throw wrongType(name, 'concurrency', 'a number', concurrency);
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MOST_AT_ONCE) return concurrency;
  throw new RuntimeError(
    'E_OPTION_RANGE',
    `task "${name}": concurrency must be a whole number from 1 to ${MOST_AT_ONCE}, got ${concurrency}`,
  );
}

function queueName(name: string, key: 'queue' | 'expiredQueue', queue: unknown): string | undefined {
  if (queue === undefined) return undefined;
  if (typeof queue !== 'string') throw wrongType(name, key, 'a string', queue);
  const bytes = Buffer.byteLength(queue);
  if (bytes >= 1 && bytes <= LONGEST_NAME_BYTES) return queue;
  throw new RuntimeError('E_OPTION_RANGE', `task "${name}": ${key} must have 1 to 255 bytes of UTF-8, got ${bytes}`);
}

function bodyOf(name: string, body: unknown): 'json' | 'bytes' | undefined {
  if (body === undefined || body === 'json' || body === 'bytes') return body;
  throw new RuntimeError(
    'E_OPTION_RANGE',
    `task "${name}": body must be "json" or "bytes", got ${JSON.stringify(body)}`,
  );
}

function retryOf(name: string, retry: unknown): RetrySettings | undefined {
  if (retry === undefined) return undefined;
  checkRetry(retry, `task "${name}": retry`);
  // A copy: what the caller changes later must not change what was checked.
  return Object.freeze(retry.never === undefined ? { ...retry } : { ...retry, never: [...retry.never] });
}

interface DurationRange {
  readonly key: 'timeout' | 'grace' | 'startWithin';
  readonly min: number;
  readonly max: number;
  /** For the message. */
  readonly range: string;
}

/** Whole milliseconds, rounded up. */
function durationMs(
  name: string,
  given: Readonly<Record<string, unknown>>,
  { key, min, max, range }: DurationRange,
): number | undefined {
  const value = given[key];
  if (value === undefined) return undefined;
  const ms = parseDuration(value);
  if (ms !== undefined && ms >= min && ms <= max) return Math.ceil(ms);
  if (typeof value !== 'string' && typeof value !== 'number')
    throw wrongType(name, key, `a duration: ms, or text such as '30s'`, value);
  throw new RuntimeError(
    ms === undefined && typeof value === 'string' ? 'E_OPTION_TYPE' : 'E_OPTION_RANGE',
    `task "${name}": ${key} must be a duration from ${range}: ms, or text such as '30s'; got ${typeof value === 'string' ? `"${value.slice(0, 40)}"` : value}`,
  );
}
