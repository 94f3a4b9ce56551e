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
