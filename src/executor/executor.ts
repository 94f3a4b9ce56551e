/**
 * Runs batches: the port between the main thread and whatever executes tasks.
 * Adapters: thread/ (a pool of worker_threads), inline/ (this thread, for tests and small embeddings).
 */
import type { RuntimeError } from '../errors/runtime-error.ts';
import type { Service } from '../support/service.ts';

/** What the main thread is told about a task of the module. */
export interface TaskDescription {
  readonly name: string;
  readonly kind: 'task' | 'batch';
  /** Tasks of this name that one thread runs at once; 1 for batch tasks. */
  readonly concurrency: number;
  /** Queue that messages of this task go to when the sender names none. */
  readonly queue: string | undefined;
}

export interface BatchRequest {
  /** A copy of the batch (batch-layout.ts). Transferred: detached for the caller until `run` settles. */
  readonly buffer: ArrayBuffer;
  /** The batch's ledger (ledger.ts). Shared. */
  readonly ledger: SharedArrayBuffer;
  readonly queue: string;
  /** Task for messages that name none (no `type` property), if the queue has one. */
  readonly defaultTask: string | undefined;
}

export interface ExecutorListener {
  /** A line that a task logged. */
  logged?(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void;
  threadStarted?(threadId: number): void;
  threadExited?(threadId: number, reason: string): void;
  /** An error in an idle thread that belongs to no task: e.g. a leftover timer that throws. */
  strayError?(error: Error): void;
  /** No thread is started any more: nothing will run again. Also told while nothing runs that could reject. */
  exhausted?(error: RuntimeError): void;
}

/** `start` rejects with E_TASK_MODULE_LOAD, E_TASK_MODULE_EMPTY, E_TASK_DUPLICATE or a store's error. */
export interface Executor extends Service {
  readonly kind: string;
  /** Threads that run tasks, a constant of its life. */
  readonly threads: number;
  /** Known after `start`. */
  tasks(): readonly TaskDescription[];
  /**
   * Runs the tasks of the batch that its ledger shows as `waiting`, writes their effects, and resolves with the outcomes
   * (outcome-packer.ts), in the same ArrayBuffer where they fit, else in one of the same size or larger.
   * Rejects with E_THREAD_DIED when the thread ended first: the ledger then says how far it had come.
   */
  run(request: BatchRequest): Promise<ArrayBuffer>;
  /** Makes the batches that are running abort their tasks' signals. Used at the end of a drain's deadline. */
  abort(): void;
}
