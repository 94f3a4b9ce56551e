import type { BatchReader } from '../batch/batch-reader.ts';
import type { Ledger } from '../batch/ledger.ts';
import type { MessageProperties } from '../batch/message-properties.ts';
import { RuntimeError } from '../errors/runtime-error.ts';
import { monotonicNow } from '../support/monotonic.ts';
import type { ContextSource, TaskLogger } from '../task/task-context.ts';
import { createTaskLogger, type LogSink } from './task-log.ts';
import type { TaskTable } from './task-table.ts';
import { timeoutText } from './timeout-watch.ts';

export interface BatchScopeParts {
  readonly reader: BatchReader;
  readonly ledger: Ledger;
  readonly tasks: TaskTable;
  readonly queue: string;
  /** Task of messages that name none. */
  readonly defaultTask: string | undefined;
  readonly log: LogSink;
}

/**
 * What the contexts of one batch ask for while it runs: parts of their messages, a signal, a deadline, a logger.
 * Signals are aborted one by one, when their task's timeout has come, or all together.
 *
 * open → closed, by `close`, before the batch's bytes are overwritten with its outcomes. It moves the batch's reader, so
 * whoever reads with it as well moves it again after a handler has run.
 */
export class BatchScope implements ContextSource {
  readonly queue: string;
  readonly #parts: BatchScopeParts;
  /** One for each task that asked for its signal. */
  readonly #controllers = new Map<number, AbortController>();
  /** The timeouts, in ms, of the tasks that have reached theirs. */
  readonly #timeouts = new Map<number, number>();
  #aborted = false;
  #closed = false;

  constructor(parts: BatchScopeParts) {
    this.#parts = parts;
    this.queue = parts.queue;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  /** Aborts every signal that was asked for and is asked for later. */
  abort(): void {
    this.#aborted = true;
    for (const controller of this.#controllers.values()) controller.abort();
  }

  /**
   * The timeout of these tasks has come: aborts their signals, also those that are asked for later. Nothing happens where
   * all were told to end before.
   */
  timeOut(records: readonly number[], timeoutMs: number): void {
    if (this.#aborted) return;
    for (const record of records) {
      this.#timeouts.set(record, timeoutMs);
      this.#controllers.get(record)?.abort(this.#timeoutReason(record, timeoutMs));
    }
  }

  /** The task's timeout in ms when it has reached it, else undefined. */
  timeoutOf(record: number): number | undefined {
    return this.#timeouts.size === 0 ? undefined : this.#timeouts.get(record);
  }

  /** When the task began, on the clock of support/monotonic.ts. */
  begunAtMs(record: number): number {
    return this.#parts.reader.openedMonotonicMs + this.#parts.ledger.startedAtMs(record);
  }

  close(): void {
    this.#closed = true;
  }

  /** The task as the message names it, or the queue's own. */
  taskName(record: number): string {
    const reader = this.#at(record);
    return reader.hasType ? reader.type() : (this.#parts.defaultTask ?? '');
  }

  messageId(record: number): string {
    return this.#at(record).id();
  }

  attempt(record: number): number {
    return this.#at(record).attempt;
  }

  redelivered(record: number): boolean {
    return this.#at(record).redelivered;
  }

  properties(record: number): MessageProperties {
    return this.#at(record).properties();
  }

  signal(record: number): AbortSignal {
    const known = this.#controllers.get(record);
    if (known !== undefined) return known.signal;
    const controller = new AbortController();
    this.#controllers.set(record, controller);
    const timeoutMs = this.timeoutOf(record);
    if (timeoutMs !== undefined) controller.abort(this.#timeoutReason(record, timeoutMs));
    else if (this.#aborted) controller.abort();
    return controller.signal;
  }

  deadline(record: number, task: string): number {
    const timeoutMs = this.#parts.tasks.byName(task)?.watch.timeoutMs ?? Number.NaN;
    return Math.round(Date.now() + this.begunAtMs(record) + timeoutMs - monotonicNow());
  }

  logger(fields: Readonly<Record<string, unknown>>): TaskLogger {
    return createTaskLogger(this.#parts.log, { ...fields, queue: this.queue });
  }

  #at(record: number): BatchReader {
    if (this.#closed) {
      throw new RuntimeError(
        'E_STATE',
        'a context was asked for something new after its batch had ended; read it before',
      );
    }
    const { reader } = this.#parts;
    if (reader.record !== record) reader.moveTo(record);
    return reader;
  }

  #timeoutReason(record: number, timeoutMs: number): RuntimeError {
    return new RuntimeError('E_TASK_TIMEOUT', timeoutText(monotonicNow() - this.begunAtMs(record), timeoutMs));
  }
}
