/** What the main thread and an executor thread say to each other; nothing else. */
import type { WireError } from '../../errors/wire-error.ts';
import type { StoreWriterSpec } from '../../store/store.ts';
import type { BatchRequest, ExecutorListener, TaskDescription } from '../executor.ts';
import type { TaskTimeouts } from '../task-table.ts';

/** Given to a thread when it is created (`workerData`). */
export interface ThreadData {
  /** URL of the task module. */
  readonly taskModule: string;
  readonly store: StoreWriterSpec | undefined;
  /** Of tasks whose definition says nothing else. */
  readonly timeouts: TaskTimeouts;
  /** Name of the BroadcastChannel on which commands for all threads come. */
  readonly channel: string;
}

/** To one thread, through the pool. `run` transfers its buffer. */
export type ThreadRequest = { readonly kind: 'start' } | ({ readonly kind: 'run' } & Omit<BatchRequest, 'avoid'>);

/** Back from it: `run` is answered with the buffer itself, which is moved. */
export type ThreadAnswer =
  | ArrayBuffer
  | { readonly kind: 'started'; readonly tasks: readonly TaskDescription[] }
  | { readonly kind: 'failed'; readonly error: WireError };

/** To all threads. */
export type ThreadCommand = { readonly kind: 'abort' };

/** From a thread, without being asked. */
export type ThreadMessage = ThreadLoaded | ThreadLogLine;

/** Once: it has its tasks and answers. A thread whose module cannot be loaded never says so. */
export interface ThreadLoaded {
  readonly kind: 'loaded';
  readonly threadId: number;
}

/** At any time. */
export interface ThreadLogLine {
  readonly kind: 'log';
  readonly level: Parameters<NonNullable<ExecutorListener['logged']>>[0];
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}
