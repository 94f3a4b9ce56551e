import type { Worker } from 'node:worker_threads';

export interface ThreadRollListener {
  started(threadId: number): void;
  /** @param hadFinished - it had finished at least one batch */
  exited(threadId: number, reason: string, hadFinished: boolean): void;
}

interface Member {
  readonly exited: Promise<string>;
  finished: boolean;
  reason: string | undefined;
}

/**
 * Knows every thread of the pool from its start to its exit, and why it ended. The pool itself forgets a thread as soon
 * as it breaks, which is before it has exited; and after the exit a thread has lost its id.
 */
export class ThreadRoll {
  readonly #listener: ThreadRollListener;
  readonly #known = new WeakSet<Worker>();
  /** Threads that have not exited, and those whose last runs are just being rejected. */
  readonly #members = new Map<number, Member>();

  constructor(listener: ThreadRollListener) {
    this.#listener = listener;
  }

  /** Takes up those of the threads that are new. */
  add(threads: readonly Worker[]): void {
    for (const thread of threads) {
      if (this.#known.has(thread)) continue;
      this.#known.add(thread);
      this.#enter(thread, thread.threadId);
    }
  }

  markFinished(threadId: number | undefined): void {
    const member = threadId === undefined ? undefined : this.#members.get(threadId);
    if (member !== undefined) member.finished = true;
  }

  /** Resolves with the reason when the thread has exited; at once when it is not known (any more). */
  exited(threadId: number): Promise<string> {
    return this.#members.get(threadId)?.exited ?? Promise.resolve('it has exited');
  }

  async allExited(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.exited));
  }

  #enter(thread: Worker, threadId: number): void {
    let resolveExited: (reason: string) => void = () => undefined;
    const exited = new Promise<string>((resolve) => {
      resolveExited = resolve;
    });
    const member: Member = { exited, finished: false, reason: undefined };
    this.#members.set(threadId, member);
    thread.on('error', (error: unknown) => {
      member.reason ??= error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    });
    thread.on('exit', (code) => {
      const reason = member.reason ?? `exit code ${code}`;
      resolveExited(reason);
      this.#listener.exited(threadId, reason, member.finished);
      // Its runs are rejected in this tick's microtasks; they still ask why.
      setImmediate(() => this.#members.delete(threadId));
    });
    this.#listener.started(threadId);
  }
}
