/** How busy the threads of this process are, whatever contender started them: seen from outside, by their event loops. */
import type { Worker } from 'node:worker_threads';
import { nowMs } from './clock.ts';

/** A look at all threads: when, and how long each had been busy. */
interface Look {
  readonly atMs: number;
  readonly busyMs: ReadonlyMap<Worker, number>;
}

/**
 * Busy is the time in which a thread's event loop does not wait. A thread that the operating system holds up counts as busy,
 * as it does for whoever waits for it.
 */
export class ThreadTimes {
  readonly #threads = new Set<Worker>();
  #begun: Look = { atMs: 0, busyMs: new Map() };
  #share: number | undefined;

  /** Main thread, before any other thread starts. */
  constructor() {
    process.on('worker', (thread: Worker) => {
      this.#threads.add(thread);
      thread.once('exit', () => this.#threads.delete(thread));
    });
  }

  /** Busy thread time ÷ (wall × threads) from `begin` to `end`; undefined where there were no threads. */
  get share(): number | undefined {
    return this.#share;
  }

  begin(): void {
    this.#begun = this.#look();
  }

  end(): void {
    const { atMs, busyMs } = this.#look();
    if (busyMs.size === 0) return;
    let sum = 0;
    for (const [thread, busy] of busyMs) sum += busy - (this.#begun.busyMs.get(thread) ?? 0);
    this.#share = sum / ((atMs - this.#begun.atMs) * busyMs.size);
  }

  #look(): Look {
    const busyMs = new Map<Worker, number>();
    for (const thread of this.#threads) busyMs.set(thread, thread.performance.eventLoopUtilization().active);
    return { atMs: nowMs(), busyMs };
  }
}
