import type { Worker } from 'node:worker_threads';
import { type Deferred, deferred } from '../../support/deferred.ts';
import type { ThreadLoad } from '../executor.ts';
import { reasonOfCode, reasonOfError } from './exit-reason.ts';
import { LoadGauge } from './load-gauge.ts';

/** How a thread ended. */
export interface ThreadExit {
  readonly threadId: number;
  /** For people: the one that `end` was given, or what the thread died of. */
  readonly reason: string;
  /** It ended because `end` was called, and of nothing else before. */
  readonly wanted: boolean;
  /** It had finished at least one batch. */
  readonly hadFinished: boolean;
}

export interface ThreadRollListener {
  started(threadId: number): void;
  exited(exit: ThreadExit): void;
  /** It was told to end and has not within the limit. */
  stuck(threadId: number, reason: string): void;
}

export interface ThreadRollLimits {
  /** Of each thread's heap; undefined: Node's own. For the reason of an exit. */
  readonly heapBytes: number | undefined;
  /** How long a thread may take to end when it is told to. */
  readonly stuckAfterMs: number;
}

interface Member {
  readonly thread: Worker;
  readonly exited: Deferred<string>;
  /** Resolves when it has exited or is stuck. */
  readonly settled: Deferred<void>;
  /** The pool knows that it has loaded. Ended before that, it would be the last that the pool starts. */
  ready: boolean;
  /** Resolves when it has loaded or exited. */
  readonly loaded: Deferred<void>;
  finished: boolean;
  ending: boolean;
  /** Its reason is the one it was ended for. */
  wanted: boolean;
  stuck: boolean;
  reason: string | undefined;
  stuckTimer: NodeJS.Timeout | undefined;
}

/**
 * Knows every thread of the pool from its start to its exit, ends it, and says why it ended. The pool itself forgets a
 * thread as soon as it breaks, which is before it has exited; and after the exit a thread has lost its id.
 *
 * A thread that is told to end stops at its next instruction of JavaScript. Native code in a task delays that for as
 * long as it likes, and nothing else in the process can interrupt it: past the limit such a thread is called stuck.
 */
export class ThreadRoll {
  readonly #listener: ThreadRollListener;
  readonly #limits: ThreadRollLimits;
  readonly #load = new LoadGauge();
  readonly #known = new WeakSet<Worker>();
  /** Threads that have not exited, and those whose last runs are just being rejected. */
  readonly #members = new Map<number, Member>();

  constructor(listener: ThreadRollListener, limits: ThreadRollLimits) {
    this.#listener = listener;
    this.#limits = limits;
  }

  /** Takes up those of the threads that are new. */
  add(threads: readonly Worker[]): void {
    for (const thread of threads) {
      if (this.#known.has(thread)) continue;
      this.#known.add(thread);
      this.#enter(thread, thread.threadId);
    }
  }

  /** Of all threads that there were. */
  load(): ThreadLoad {
    return this.#load.total();
  }

  markFinished(threadId: number | undefined): void {
    const member = threadId === undefined ? undefined : this.#members.get(threadId);
    if (member !== undefined) member.finished = true;
  }

  /** A thread that was to end before it was ready ends now. */
  markReady(threadId: number): void {
    const member = this.#members.get(threadId);
    if (member === undefined) return;
    member.ready = true;
    member.loaded.resolve();
    if (member.ending) this.#terminate(threadId, member);
  }

  /** Ends a thread; nothing happens where it is not known (any more) or is being ended already. */
  end(threadId: number, reason: string): void {
    const member = this.#members.get(threadId);
    if (member === undefined || member.ending) return;
    this.#condemn(member, reason);
    if (member.ready) this.#terminate(threadId, member);
  }

  /**
   * Resolves when none is loading, also of those that the pool begins meanwhile, because others have died; at the latest
   * when one would be stuck. Node aborts the whole process when a thread is terminated that is just linking its modules.
   * @param threads - those that there are, asked for again and again
   */
  async noneLoads(threads: () => readonly Worker[]): Promise<void> {
    const tooLong = deferred<'late'>();
    const timer = setTimeout(() => tooLong.resolve('late'), this.#limits.stuckAfterMs);
    for (;;) {
      this.add(threads());
      const loading = [...this.#members.values()].filter(({ ready }) => !ready).map(({ loaded }) => loaded.promise);
      if (loading.length === 0 || (await Promise.race([Promise.all(loading), tooLong.promise])) === 'late') break;
    }
    clearTimeout(timer);
  }

  /** Ends all for good: the pool is to start no others. */
  endAll(reason: string): void {
    for (const [threadId, member] of this.#members) {
      if (!member.ending) this.#condemn(member, reason);
      this.#terminate(threadId, member);
    }
  }

  /** True from the call of `end` on. */
  isEnding(threadId: number): boolean {
    return this.#members.get(threadId)?.ending ?? false;
  }

  /** Resolves with the reason when the thread has exited; at once when it is not known (any more). */
  exited(threadId: number): Promise<string> {
    return this.#members.get(threadId)?.exited.promise ?? Promise.resolve('it has exited');
  }

  /** Resolves when each of them has exited or is stuck; with the stuck ones. */
  async allSettled(): Promise<readonly number[]> {
    await Promise.all([...this.#members.values()].map((member) => member.settled.promise));
    return [...this.#members].filter(([, member]) => member.stuck).map(([threadId]) => threadId);
  }

  #enter(thread: Worker, threadId: number): void {
    const member: Member = {
      thread,
      exited: deferred(),
      settled: deferred(),
      ready: false,
      loaded: deferred(),
      finished: false,
      ending: false,
      wanted: false,
      stuck: false,
      reason: undefined,
      stuckTimer: undefined,
    };
    this.#members.set(threadId, member);
    this.#load.add(thread);
    thread.on('error', (error: unknown) => {
      member.reason ??= reasonOfError(error, this.#limits.heapBytes);
    });
    thread.on('exit', (code) => this.#leave(threadId, member, code));
    this.#listener.started(threadId);
  }

  #condemn(member: Member, reason: string): void {
    member.ending = true;
    member.wanted = member.reason === undefined;
    member.reason ??= reason;
  }

  #terminate(threadId: number, member: Member): void {
    if (member.stuckTimer !== undefined) return;
    member.stuckTimer = setTimeout(() => {
      member.stuck = true;
      member.settled.resolve();
      this.#listener.stuck(threadId, member.reason ?? '');
    }, this.#limits.stuckAfterMs).unref();
    void member.thread.terminate();
  }

  #leave(threadId: number, member: Member, code: number): void {
    clearTimeout(member.stuckTimer);
    member.stuck = false;
    const reason = member.reason ?? reasonOfCode(code);
    member.exited.resolve(reason);
    member.loaded.resolve();
    member.settled.resolve();
    this.#listener.exited({ threadId, reason, wanted: member.wanted, hadFinished: member.finished });
    // Its runs are rejected in this tick's microtasks; they still ask why.
    setImmediate(() => this.#members.delete(threadId));
  }
}
