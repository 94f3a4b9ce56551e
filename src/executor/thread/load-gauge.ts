import type { ThreadLoad } from '../executor.ts';

/** What of a thread its load is read from. */
export interface GaugedThread {
  readonly performance: { eventLoopUtilization(): { readonly active: number; readonly idle: number } };
  once(event: 'exit', listener: () => void): unknown;
}

const NOTHING: ThreadLoad = { busyMs: 0, aliveMs: 0 };

/**
 * How long threads were busy: the time in which their event loops did not wait. Tasks, decoding and garbage collection are
 * in it, an async task that waits is not. A thread that has ended counts as it was when last looked at: after the exit
 * nothing can be read.
 *
 * Cost: nothing until somebody asks, then some microseconds a thread.
 */
export class LoadGauge {
  readonly #threads = new Map<GaugedThread, ThreadLoad>();
  #ended = NOTHING;

  add(thread: GaugedThread): void {
    this.#threads.set(thread, NOTHING);
    thread.once('exit', () => {
      this.#ended = sum(this.#ended, this.#threads.get(thread) ?? NOTHING);
      this.#threads.delete(thread);
    });
  }

  /** Of all threads that there were. */
  total(): ThreadLoad {
    let total = this.#ended;
    for (const [thread, last] of this.#threads) {
      const { active, idle } = thread.performance.eventLoopUtilization();
      // zeros from a thread that is just exiting
      const now = active + idle < last.aliveMs ? last : { busyMs: active, aliveMs: active + idle };
      this.#threads.set(thread, now);
      total = sum(total, now);
    }
    return total;
  }
}

function sum(one: ThreadLoad, other: ThreadLoad): ThreadLoad {
  return { busyMs: one.busyMs + other.busyMs, aliveMs: one.aliveMs + other.aliveMs };
}
