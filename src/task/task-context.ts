import type { MessageProperties } from '../batch/message-properties.ts';

/** Logs lines of a task; they reach the runtime's logger together with the task's name and id. */
export interface TaskLogger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What a context asks of the batch it belongs to. Implemented by the executor. */
export interface ContextSource {
  readonly queue: string;
  messageId(record: number): string;
  attempt(record: number): number;
  redelivered(record: number): boolean;
  properties(record: number): MessageProperties;
  /** A new controller, which the runtime aborts when the batch has to end. */
  abortController(): AbortController;
  logger(fields: Readonly<Record<string, unknown>>): TaskLogger;
}

/**
 * What a handler is told beside its payload: one object per task, everything in it made when first asked for.
 *
 * Ask while the handler runs: the message's bytes are used again after it, and a value that was not asked for
 * before then throws E_STATE. Values already read stay.
 */
export class TaskContext {
  /** The task's name. */
  readonly task: string;
  readonly #source: ContextSource;
  readonly #record: number;
  #id: string | undefined;
  #properties: MessageProperties | undefined;
  #controller: AbortController | undefined;
  #logger: TaskLogger | undefined;

  /** @param record - position of the message in its batch */
  constructor(task: string, source: ContextSource, record: number) {
    this.task = task;
    this.#source = source;
    this.#record = record;
  }

  /**
   * The task's id: the message's `message_id`, the same in every attempt. A message that has none gets an id that
   * lasts for this delivery only.
   */
  get id(): string {
    this.#id ??= this.#source.messageId(this.#record);
    return this.#id;
  }

  /** Attempts so far, this one included: 1 for the first. */
  get attempt(): number {
    return this.#source.attempt(this.#record);
  }

  /** The queue that the message came from. */
  get queue(): string {
    return this.#source.queue;
  }

  /** True when the broker has delivered the message before. */
  get redelivered(): boolean {
    return this.#source.redelivered(this.#record);
  }

  /** The message's AMQP properties. Decoding them takes a few microseconds, once. */
  get properties(): Readonly<MessageProperties> {
    this.#properties ??= this.#source.properties(this.#record);
    return this.#properties;
  }

  /** The message's headers; empty when it has none. */
  get headers(): Readonly<Record<string, unknown>> {
    return this.properties.headers ?? {};
  }

  /** Aborted when the runtime stops and its deadline has passed. Give it to whatever accepts a signal. */
  get signal(): AbortSignal {
    this.#controller ??= this.#source.abortController();
    return this.#controller.signal;
  }

  /** Lines go to the runtime's logger, with `task` and `id` beside the fields given. */
  get logger(): TaskLogger {
    this.#logger ??= this.#source.logger({ task: this.task, id: this.id });
    return this.#logger;
  }
}

/** What a batch handler is told: the same for all rows, and a context for each of them. */
export class BatchTaskContext {
  /** The task's name. */
  readonly task: string;
  /** One context a row, in the order of the rows. */
  readonly rows: readonly TaskContext[];
  readonly #source: ContextSource;
  #controller: AbortController | undefined;
  #logger: TaskLogger | undefined;

  constructor(task: string, source: ContextSource, records: readonly number[]) {
    this.task = task;
    this.rows = records.map((record) => new TaskContext(task, source, record));
    this.#source = source;
  }

  /** The queue that the messages came from. */
  get queue(): string {
    return this.#source.queue;
  }

  /** Aborted when the runtime stops and its deadline has passed. */
  get signal(): AbortSignal {
    this.#controller ??= this.#source.abortController();
    return this.#controller.signal;
  }

  /** Lines go to the runtime's logger, with `task` beside the fields given. */
  get logger(): TaskLogger {
    this.#logger ??= this.#source.logger({ task: this.task });
    return this.#logger;
  }
}
