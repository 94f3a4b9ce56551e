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
  /** Aborted when the task's timeout has come or the batch has to end; the same for a record whenever asked. */
  signal(record: number): AbortSignal;
  /** Unix ms at which the call of that task will have reached its timeout. */
  deadline(record: number, task: string): number;
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
  #signal: AbortSignal | undefined;
  #deadline: number | undefined;
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

  /**
   * Aborted when the task's timeout has come, with a RuntimeError E_TASK_TIMEOUT as its reason, and when the runtime
   * stops and its deadline has passed. Give it to whatever accepts a signal. A sync handler never sees it abort, because
   * nothing else happens in its thread meanwhile: let it look at `deadline`.
   */
  get signal(): AbortSignal {
    this.#signal ??= this.#source.signal(this.#record);
    return this.#signal;
  }

  /**
   * Unix ms at which the task's timeout comes, for loops that want to look: `if (Date.now() > context.deadline) …`.
   * The wall clock decides nothing here: if it is set while the task runs, this is off by as much.
   */
  get deadline(): number {
    this.#deadline ??= this.#source.deadline(this.#record, this.task);
    return this.#deadline;
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
  #logger: TaskLogger | undefined;

  /** @param records - at least one: positions of the messages in their batch */
  constructor(task: string, source: ContextSource, records: readonly number[]) {
    this.task = task;
    this.rows = records.map((record) => new TaskContext(task, source, record));
    this.#source = source;
  }

  /** The queue that the messages came from. */
  get queue(): string {
    return this.#source.queue;
  }

  /** Aborted, with the signals of all rows, when the task's timeout has come or the runtime's stop does not wait longer. */
  get signal(): AbortSignal {
    return (this.rows[0] as TaskContext).signal;
  }

  /** Unix ms at which the task's timeout comes, which is one for the call and all its rows. */
  get deadline(): number {
    return (this.rows[0] as TaskContext).deadline;
  }

  /** Lines go to the runtime's logger, with `task` beside the fields given. */
  get logger(): TaskLogger {
    this.#logger ??= this.#source.logger({ task: this.task });
    return this.#logger;
  }
}
