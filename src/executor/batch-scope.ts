import type { BatchReader } from '../batch/batch-reader.ts';
import type { MessageProperties } from '../batch/message-properties.ts';
import { RuntimeError } from '../errors/runtime-error.ts';
import type { ContextSource, TaskLogger } from '../task/task-context.ts';
import { createTaskLogger, type LogSink } from './task-log.ts';

/**
 * What the contexts of one batch ask for while it runs: parts of their messages, a signal, a logger.
 *
 * open → closed, by `close`, before the batch's bytes are overwritten with its outcomes. It moves the batch's reader, so
 * whoever reads with it as well moves it again after a handler has run.
 */
export class BatchScope implements ContextSource {
  readonly queue: string;
  readonly #reader: BatchReader;
  readonly #log: LogSink;
  readonly #controllers: AbortController[] = [];
  #aborted = false;
  #closed = false;

  constructor(reader: BatchReader, queue: string, log: LogSink) {
    this.#reader = reader;
    this.queue = queue;
    this.#log = log;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  /** Aborts every signal that was asked for and is asked for later. */
  abort(): void {
    this.#aborted = true;
    for (const controller of this.#controllers) controller.abort();
  }

  close(): void {
    this.#closed = true;
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

  abortController(): AbortController {
    const controller = new AbortController();
    if (this.#aborted) controller.abort();
    else this.#controllers.push(controller);
    return controller;
  }

  logger(fields: Readonly<Record<string, unknown>>): TaskLogger {
    return createTaskLogger(this.#log, { ...fields, queue: this.queue });
  }

  #at(record: number): BatchReader {
    if (this.#closed) {
      throw new RuntimeError(
        'E_STATE',
        'a context was asked for something new after its batch had ended; read it before',
      );
    }
    if (this.#reader.record !== record) this.#reader.moveTo(record);
    return this.#reader;
  }
}
