import { RuntimeError } from '../errors/runtime-error.ts';
import { closestWord } from '../support/closest-word.ts';
import type { BatchTaskContext, TaskContext } from './task-context.ts';

const DEFINITION = Symbol.for('millrace.TaskDefinition');

/** AMQP carries the name in the property `type`, a short string. */
const LONGEST_NAME_BYTES = 255;
const MOST_AT_ONCE = 10_000;

export interface BatchTaskOptions {
  /**
   * Queue that the client sends this task to when `send` names none.
   * @defaultValue none: the client's default queue
   * @remarks 1 to 255 bytes of UTF-8, otherwise `E_OPTION_RANGE`.
   */
  readonly queue?: string;
  /**
   * How the body becomes the payload. `json`: parsed, whatever the content type says. `bytes`: a `Uint8Array` view of
   * the body, whatever content type and encoding say. Without it the content type decides: `application/json` (also
   * `+json`) or none is JSON, `application/octet-stream` is bytes, any other fails with `E_BODY_UNDECODABLE`.
   *
   * Bytes are a view of memory that is used again: valid, and yours to change, until the handler has returned or its
   * promise has settled. Copy what you keep: `bytes.slice()`. The documents of returned effects may hold them as they
   * are, because they are written before.
   * @defaultValue by content type
   */
  readonly body?: 'json' | 'bytes';
}

export interface TaskOptions extends BatchTaskOptions {
  /**
   * Tasks of this name that one thread runs at once when the handler is async; a sync handler always runs alone.
   * More helps a handler that waits (for the network, for a file) and does nothing for one that computes. It costs
   * that many payloads in memory, and when the thread dies, that many tasks run again one by one to find the culprit.
   * @defaultValue 1
   * @remarks 1 to 10,000, otherwise `E_OPTION_RANGE`. Per thread: all threads together run threads × concurrency.
   */
  readonly concurrency?: number;
}

/**
 * Returns, or resolves with, nothing or any value: succeeded, and the value is not kept · an effect or an array of
 * effects: succeeded, once they are written · `succeeded(…)` or `failed(error)`. Throws or rejects: failed.
 */
export type TaskHandler<Payload> = (payload: Payload, context: TaskContext) => unknown;

/**
 * Returns one entry for each row, in their order, each of them what a single task may return (or a promise of it);
 * or nothing at all, which means that all rows succeeded. If it throws, all rows failed.
 */
export type BatchTaskHandler<Payload> = (
  rows: Payload[],
  context: BatchTaskContext,
) => readonly unknown[] | void | Promise<readonly unknown[] | void>;

interface Definition {
  /** Travels as the message's `type`. */
  readonly name: string;
  readonly queue: string | undefined;
  readonly concurrency: number;
  readonly body: 'json' | 'bytes' | undefined;
}

export interface SingleTaskDefinition<Payload = unknown> extends Definition {
  readonly kind: 'task';
  readonly handler: TaskHandler<Payload>;
}

export interface BatchTaskDefinition<Payload = unknown> extends Definition {
  readonly kind: 'batch';
  readonly handler: BatchTaskHandler<Payload>;
}

/** A task: what the threads run and, by its `Payload`, what a client may send. */
export type TaskDefinition<Payload = unknown> = SingleTaskDefinition<Payload> | BatchTaskDefinition<Payload>;

/** The payload type of a definition. */
export type PayloadOf<T> = T extends TaskDefinition<infer Payload> ? Payload : never;

/**
 * Defines a task: a name, which messages carry, and a handler, which threads run. Export it from the task module.
 * The payload type is the handler's parameter: it is what the client lets through, not something that is checked
 * when a message arrives.
 *
 * Throws E_OPTION_TYPE, E_OPTION_RANGE or E_OPTION_UNKNOWN for a wrong name, handler or option.
 */
export function defineTask<Payload = unknown>(
  name: string,
  handler: TaskHandler<Payload>,
): SingleTaskDefinition<Payload>;
export function defineTask<Payload = unknown>(
  name: string,
  options: TaskOptions,
  handler: TaskHandler<Payload>,
): SingleTaskDefinition<Payload>;
export function defineTask<Payload>(
  name: string,
  ...rest: readonly [TaskHandler<Payload>] | readonly [TaskOptions, TaskHandler<Payload>]
): SingleTaskDefinition<Payload> {
  const { options, handler } = splitArguments<TaskOptions, TaskHandler<Payload>>(name, rest);
  checkOptions(name, options, ['queue', 'concurrency', 'body']);
  const concurrency = options.concurrency ?? 1;
  if (typeof concurrency !== 'number') throw wrongType(name, 'concurrency', 'a number', concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MOST_AT_ONCE) {
    throw new RuntimeError(
      'E_OPTION_RANGE',
      `task "${name}": concurrency must be a whole number from 1 to ${MOST_AT_ONCE}, got ${concurrency}`,
    );
  }
  return define({ kind: 'task', name, handler, queue: options.queue, concurrency, body: options.body });
}

/**
 * Defines a task that gets all messages of its name in a batch at once, for work that is cheaper together: a matrix
 * product, a bulk lookup. How many rows come together is up to the runtime; one row must work as well.
 * An undecodable message is left out of the rows and fails alone.
 *
 * Cost: if the thread dies, all rows of the call were running, so they run again one by one.
 */
export function defineBatchTask<Payload = unknown>(
  name: string,
  handler: BatchTaskHandler<Payload>,
): BatchTaskDefinition<Payload>;
export function defineBatchTask<Payload = unknown>(
  name: string,
  options: BatchTaskOptions,
  handler: BatchTaskHandler<Payload>,
): BatchTaskDefinition<Payload>;
export function defineBatchTask<Payload>(
  name: string,
  ...rest: readonly [BatchTaskHandler<Payload>] | readonly [BatchTaskOptions, BatchTaskHandler<Payload>]
): BatchTaskDefinition<Payload> {
  const { options, handler } = splitArguments<BatchTaskOptions, BatchTaskHandler<Payload>>(name, rest);
  checkOptions(name, options, ['queue', 'body']);
  return define({ kind: 'batch', name, handler, queue: options.queue, concurrency: 1, body: options.body });
}

/** True for what `defineTask` and `defineBatchTask` return, also those of another copy of this package. */
export function isTaskDefinition(value: unknown): value is TaskDefinition {
  return typeof value === 'object' && value !== null && DEFINITION in value;
}

function define<T extends TaskDefinition<never>>(definition: T): T {
  return Object.freeze(Object.defineProperty(definition, DEFINITION, { value: true }));
}

function splitArguments<Options extends object, Handler>(
  name: string,
  rest: readonly [Handler] | readonly [Options, Handler],
): { options: Options; handler: Handler } {
  checkName(name);
  const [options, handler] = rest.length === 1 ? [{} as Options, rest[0]] : rest;
  if (typeof options !== 'object' || options === null) throw wrongType(name, 'the options', 'an object', options);
  if (typeof handler !== 'function') throw wrongType(name, 'the handler', 'a function', handler);
  return { options, handler };
}

function checkName(name: string): void {
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

function checkOptions(name: string, options: TaskOptions, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const near = closestWord(key, known);
    throw new RuntimeError(
      'E_OPTION_UNKNOWN',
      `task "${name}": unknown option "${key}"${near === undefined ? '' : `, did you mean "${near}"?`}; known are ${known.join(', ')}`,
    );
  }
  const { queue, body } = options;
  if (queue !== undefined) {
    if (typeof queue !== 'string') throw wrongType(name, 'queue', 'a string', queue);
    const bytes = Buffer.byteLength(queue);
    if (bytes < 1 || bytes > 255) {
      throw new RuntimeError('E_OPTION_RANGE', `task "${name}": queue must have 1 to 255 bytes of UTF-8, got ${bytes}`);
    }
  }
  if (body !== undefined && body !== 'json' && body !== 'bytes') {
    throw new RuntimeError(
      'E_OPTION_RANGE',
      `task "${name}": body must be "json" or "bytes", got ${JSON.stringify(body)}`,
    );
  }
}

function wrongType(name: string, what: string, expected: string, got: unknown): RuntimeError {
  return new RuntimeError(
    'E_OPTION_TYPE',
    `task "${name}": ${what} must be ${expected}, got ${got === null ? 'null' : `a ${typeof got}`}`,
  );
}
