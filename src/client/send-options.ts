import type { Duration } from '../support/duration.ts';

/** Holds for every message of a call. */
export interface SendManyOptions {
  /**
   * Where the messages go.
   * @defaultValue the queue in the task's definition, else the client's default queue
   * @remarks 1 to 255 bytes of UTF-8, otherwise `E_OPTION_RANGE`.
   */
  readonly queue?: string;
  /**
   * Higher first, in queues that were declared with `x-max-priority`; others ignore it.
   * @defaultValue none
   * @remarks 0 to 255, otherwise `E_MESSAGE_MALFORMED`.
   */
  readonly priority?: number;
  /**
   * Passed on to the task.
   * @defaultValue none
   * @remarks At most 255 bytes of UTF-8, otherwise `E_MESSAGE_MALFORMED`.
   */
  readonly correlationId?: string;
  /**
   * Passed on to the task. Strings, numbers, booleans, null, arrays and plain objects of them.
   * Cost: a table of headers costs more than all other properties together.
   * @defaultValue none
   * @remarks What AMQP cannot carry is `E_MESSAGE_MALFORMED`.
   */
  readonly headers?: Readonly<Record<string, unknown>>;
  /**
   * How long the messages wait before a worker gets them, counted from the call. They wait in queues of the broker,
   * survive its restart, and hold up no others. Never early; late by the time that the broker takes for its hops, and by
   * up to 100 ms because delays are rounded up to that.
   * Cost: the broker stores and confirms a message once for each 1 in its delay's binary form, in units of 100 ms: 1 to 24
   * times; 5 s is `110010`, three times. A delayed message cannot be taken back.
   * @defaultValue none: at once
   * @remarks Duration, 0ms to 19d; not with `at`; otherwise `E_OPTION_RANGE` or `E_OPTION_TYPE`.
   */
  readonly delay?: Duration;
  /**
   * When a worker may get the messages at the earliest, by this machine's wall clock: a Date, or Unix ms. A time that has
   * passed means at once. Otherwise as `delay`.
   * @defaultValue none: at once
   * @remarks At most 19 days from now; not with `delay`; otherwise `E_OPTION_RANGE` or `E_OPTION_TYPE`.
   */
  readonly at?: Date | number;
  /**
   * How long after the call, or after the messages are due, their first attempt may begin at the latest. A message that a
   * thread picks up later is not run: it goes to the task's `expiredQueue`, or to the dead letters with `E_TASK_EXPIRED`.
   * Clocks of this machine and the worker's are compared. A task's own `startWithin` holds as well.
   * Cost: a table of headers, see `headers`.
   * @defaultValue none: no message is too old
   * @remarks Duration, 1ms to 8760h, otherwise `E_OPTION_RANGE`.
   */
  readonly startWithin?: Duration;
}

export interface SendOptions extends SendManyOptions {
  /**
   * The task's id. Sending the same work again with the same id (after `E_PUBLISH_UNCONFIRMED`) stores its result
   * once, because documents are keyed by it.
   * @defaultValue a new UUIDv7
   * @remarks 1 to 255 bytes of UTF-8, otherwise `E_OPTION_RANGE`. Ids should ascend: random ones hurt a large index.
   */
  readonly id?: string;
}

/** One message of `sendMany` that was not confirmed; in `error.details.failures`, in the order of the payloads. */
export interface SendFailure {
  /** Position of the payload. */
  readonly index: number;
  readonly id: string;
  readonly code: string;
  readonly message: string;
}
