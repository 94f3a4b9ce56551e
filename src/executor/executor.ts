/**
 * Runs batches: the port between the main thread and whatever executes tasks.
 * Adapters: thread/ (a pool of worker_threads), inline/ (this thread, for tests and small embeddings).
 */
import type { RuntimeError } from '../errors/runtime-error.ts';
import type { Service } from '../support/service.ts';
import type { RetrySettings } from '../task/retry-policy.ts';

/** What the main thread is told about a task of the module. */
export interface TaskDescription {
  readonly name: string;
  readonly kind: 'task' | 'batch';
  /** Tasks of this name that one thread runs at once; 1 for batch tasks. */
  readonly concurrency: number;
  /** Queue that messages of this task go to when the sender names none. */
  readonly queue: string | undefined;
  /** What the definition says of retries; what it leaves open the queue and the runtime say. */
  readonly retry: RetrySettings | undefined;
  /** How long one call may take before it is cut off, grace included. */
  readonly timeoutMs: number;
  /** Where messages go that were too old to be started; undefined: the dead letters. */
  readonly expiredQueue: string | undefined;
}

export interface BatchRequest {
  /** A copy of the batch (batch-layout.ts). Transferred: detached for the caller until `run` settles. */
  readonly buffer: ArrayBuffer;
  /** The batch's ledger (ledger.ts). Shared. */
  readonly ledger: SharedArrayBuffer;
  readonly queue: string;
  /** Task for messages that name none (no `type` property), if the queue has one. */
  readonly defaultTask: string | undefined;
  /** Threads that get it only where no other has room: a long task holds them up. */
  readonly avoid?: ReadonlySet<number> | undefined;
}

/** Thread time, ms, over all threads that there were. */
export interface ThreadLoad {
  /** In which they did not wait for anything. */
  readonly busyMs: number;
  /** In which they were there. */
  readonly aliveMs: number;
}

export interface ExecutorListener {
  /** A line that a task logged. */
  logged?(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void;
  threadStarted?(threadId: number): void;
  threadExited?(threadId: number, reason: string): void;
  /** An error in an idle thread that belongs to no task: e.g. a leftover timer that throws. */
  strayError?(error: Error): void;
  /** A thread was told to end and has not: native code in a task holds it. Nothing but the end of the process frees it. */
  stuck?(threadId: number, reason: string): void;
  /** A thread is being replaced because of its age, its heap or the number of its tasks. */
  recycled?(threadId: number, reason: string): void;
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
  /**
   * Ends a thread at once, e.g. because a task in it does not end by itself. Its open runs reject with E_THREAD_DIED once it
   * has exited; another thread takes its place. Nothing happens where there is no such thread (any more). Inline: nothing.
   * @param reason - for the log and for `threadExited`
   */
  terminate(threadId: number, reason: string): void;
  /** How busy its threads were since it started. Cheap, and nothing while nobody asks. */
  load(): ThreadLoad;
  /** Makes the batches that are running abort their tasks' signals. Used at the end of a drain's deadline. */
  abort(): void;
}
