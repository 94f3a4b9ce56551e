import type { Duration } from '../support/duration.ts';
import { type CheckedTaskOptions, checkTaskName, checkTaskOptions, wrongType } from './check-task-options.ts';
import type { RetrySettings } from './retry-policy.ts';
import type { BatchTaskContext, TaskContext } from './task-context.ts';

const DEFINITION = Symbol.for('millrace.TaskDefinition');

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
  /**
   * How long one call may take, decoding of the body included; of a batch task: the call with all its rows. An async
   * handler's `context.signal` is aborted then, with E_TASK_TIMEOUT as its reason; what has not ended after the grace,
   * and code that never looks at its signal, e.g. a loop, has its thread ended. Either way the attempt counts as timed
   * out and the retry policy decides. A handler that still succeeds within the grace has succeeded. The inline
   * executor can end nothing: there only the signal is aborted.
   * @defaultValue the runtime's `timeouts.task`
   * @remarks Duration, 10ms to 24h, otherwise `E_OPTION_RANGE`.
   */
  readonly timeout?: Duration;
  /**
   * How long a call has after its timeout to notice the aborted signal and to end by itself.
   * @defaultValue the runtime's `timeouts.grace`
   * @remarks Duration, 0ms to 10m, otherwise `E_OPTION_RANGE`.
   */
  readonly grace?: Duration;
  /**
   * How often, and how soon, a message whose attempt failed, timed out or crashed is tried again.
   * @defaultValue what the queue's and the runtime's `retry` say: 3 attempts, exponential from 1 s
   * @remarks Wrong settings: `E_OPTION_TYPE`, `E_OPTION_RANGE` or `E_OPTION_UNKNOWN`.
   */
  readonly retry?: RetrySettings;
  /**
   * How old a message may be, by its `timestamp` property, when a thread picks it up for its first attempt. An older
   * one is not run: it goes to `expiredQueue`, or to the dead letters with E_TASK_EXPIRED. Later attempts are never too
   * old; a message without a timestamp, or with one in the future, neither. Timestamps have whole seconds, and are
   * compared with this machine's wall clock: a message may be up to a second older than this.
   * @defaultValue none: no message is too old
   * @remarks Duration, 1s to 8760h, otherwise `E_OPTION_RANGE`.
   */
  readonly startWithin?: Duration;
  /**
   * Queue for messages that were too old to be started (`startWithin` here or in `send`). It has to exist.
   * @defaultValue none: the dead letters of the queue that the message came from
   * @remarks 1 to 255 bytes of UTF-8, otherwise `E_OPTION_RANGE`.
   */
  readonly expiredQueue?: string;
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
 * effects: succeeded, once they are written · an outcome: `succeeded(…)`, `failed(error)`, `retryLater(delay)`,
 * `snooze(delay)` or `discard(reason)`. Throws or rejects: failed, and the retry policy says what follows, unless what it
 * throws is an outcome, which means the same as returning it. An error may ask for its own delay (see `failed`).
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

interface Definition extends CheckedTaskOptions {
  /** Travels as the message's `type`. */
  readonly name: string;
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
  const { options, handler } = splitArguments<TaskHandler<Payload>>(name, rest);
  return define({ kind: 'task', name, handler, ...checkTaskOptions(name, 'task', options) });
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
  const { options, handler } = splitArguments<BatchTaskHandler<Payload>>(name, rest);
  return define({ kind: 'batch', name, handler, ...checkTaskOptions(name, 'batch', options) });
}

/** True for what `defineTask` and `defineBatchTask` return, also those of another copy of this package. */
export function isTaskDefinition(value: unknown): value is TaskDefinition {
  return typeof value === 'object' && value !== null && DEFINITION in value;
}

function define<T extends TaskDefinition<never>>(definition: T): T {
  return Object.freeze(Object.defineProperty(definition, DEFINITION, { value: true }));
}

function splitArguments<Handler>(
  name: string,
  rest: readonly [Handler] | readonly [object, Handler],
): { options: unknown; handler: Handler } {
  checkTaskName(name);
  const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest;
  if (typeof handler !== 'function') throw wrongType(name, 'the handler', 'a function', handler);
  return { options, handler };
}
