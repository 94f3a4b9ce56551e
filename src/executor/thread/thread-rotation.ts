import { formatDuration } from '../../support/duration.ts';

/** Undefined: no such limit. */
export interface RotationLimits {
  readonly recycleTasks: number | undefined;
  readonly recycleHeapBytes: number | undefined;
  readonly recycleAgeMs: number | undefined;
}

export interface RotationActions {
  /** Batches that the thread has and has not answered. */
  openRuns(threadId: number): number;
  /** A thread was chosen: it is to get no more batches. */
  chosen(threadId: number, reason: string): void;
  /** It has none left. */
  end(threadId: number, reason: string): void;
}

/** What a thread has behind it. */
interface Wear {
  readonly loadedAtMs: number;
  tasks: number;
  heapMiB: number;
}

const BYTES_A_MIB = 1_048_576;

/**
 * Replaces threads that have worked long enough, never two at a time:
 *
 *     serving ─▶ leaving ─▶ ended ─▶ exited, another is started ─▶ it has loaded the tasks: the next may leave
 *        │       no new      its batches
 *        │       batches     have ended
 *        └▶ died or ended for another reason: nobody leaves until its replacement has loaded either
 *
 * So all threads but one serve at any moment, and a module that cannot be loaded any more costs one thread, not all.
 * What has to be replaced is looked for when a batch ends: threads that do nothing are left alone, whatever their age.
 *
 * Cost: a few steps a batch and thread.
 */
export class ThreadRotation {
  readonly #threads: number;
  readonly #limits: RotationLimits;
  readonly #actions: RotationActions;
  /** In the order in which they loaded, so the oldest leaves first. */
  readonly #serving = new Map<number, Wear>();
  #leaving: { readonly threadId: number; readonly reason: string; ended: boolean } | undefined;

  /** @param threads - how many there are when none is being replaced */
  constructor(threads: number, limits: RotationLimits, actions: RotationActions) {
    this.#threads = threads;
    this.#limits = limits;
    this.#actions = actions;
  }

  /** False where no limit would ever make a thread leave. */
  static hasWork({ recycleTasks, recycleHeapBytes, recycleAgeMs }: RotationLimits): boolean {
    return recycleTasks !== undefined || recycleHeapBytes !== undefined || recycleAgeMs !== undefined;
  }

  isLeaving(threadId: number): boolean {
    return this.#leaving?.threadId === threadId;
  }

  /** The thread has its tasks and answers. @param atMs - of any clock, the same for all calls */
  loaded(threadId: number, atMs: number): void {
    this.#serving.set(threadId, { loadedAtMs: atMs, tasks: 0, heapMiB: 0 });
    this.#chooseNext(atMs);
  }

  /** @param heapMiB - as the thread last looked, 0 when it has not */
  batchEnded(threadId: number, tasks: number, heapMiB: number, atMs: number): void {
    const wear = this.#serving.get(threadId);
    if (wear !== undefined) {
      wear.tasks += tasks;
      if (heapMiB > 0) wear.heapMiB = heapMiB;
    }
    if (this.#leaving === undefined) this.#chooseNext(atMs);
    else this.#endWhenEmpty();
  }

  /** It exited or is to exit, for whatever reason: it no longer serves. */
  gone(threadId: number): void {
    this.#serving.delete(threadId);
  }

  exited(threadId: number): void {
    this.gone(threadId);
    if (this.isLeaving(threadId)) this.#leaving = undefined;
  }

  #chooseNext(atMs: number): void {
    if (this.#leaving !== undefined || this.#serving.size < this.#threads) return;
    for (const [threadId, wear] of this.#serving) {
      const reason = this.#reasonToLeave(wear, atMs);
      if (reason === undefined) continue;
      this.#leaving = { threadId, reason, ended: false };
      this.#actions.chosen(threadId, reason);
      this.#endWhenEmpty();
      return;
    }
  }

  #endWhenEmpty(): void {
    const leaving = this.#leaving;
    if (leaving === undefined || leaving.ended) return;
    const { threadId, reason } = leaving;
    if (this.#actions.openRuns(threadId) > 0) return;
    leaving.ended = true;
    this.gone(threadId);
    this.#actions.end(threadId, reason);
  }

  #reasonToLeave({ loadedAtMs, tasks, heapMiB }: Wear, atMs: number): string | undefined {
    const { recycleTasks, recycleHeapBytes, recycleAgeMs } = this.#limits;
    if (recycleTasks !== undefined && tasks >= recycleTasks) return `recycled after ${tasks} tasks`;
    if (recycleHeapBytes !== undefined && heapMiB * BYTES_A_MIB > recycleHeapBytes) {
      return `recycled because its heap has grown to ${heapMiB} MiB`;
    }
    if (recycleAgeMs !== undefined && atMs - loadedAtMs > recycleAgeMs) {
      return `recycled because it is older than ${formatDuration(recycleAgeMs)}`;
    }
    return undefined;
  }
}
