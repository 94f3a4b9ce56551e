import { type Choice, workText } from './choice.ts';
import { RecentMean } from './recent-mean.ts';

/** What a batch should take of a thread: long enough that a dispatch (about 50 µs) is noise, short enough to be fair. */
const TARGET_WORK_MS = 10;
/** Tasks above this are `long`: no second batch waits behind them. */
const LONG_TASK_MS = 20;

export interface BatchSizerOptions {
  /** A fixed target, kept to as far as the prefetch allows, or 'auto'. */
  readonly target: number | 'auto';
  readonly prefetch: number;
  readonly threads: number;
  /** Tasks that one thread runs at once; a batch is never smaller, or async tasks could not overlap. */
  readonly concurrency: number;
}

/**
 * How many messages make a batch: an amount of work, not a number. Microsecond tasks travel by hundreds, 50 ms tasks
 * alone. It starts with batches of one and at most doubles from one batch to the next, because until something has run
 * nothing is known.
 *
 * The work of a message is the mean over the last 16 batches without the largest and the smallest, so that one slow
 * neighbour or one collection pause does not decide. Limit: prefetch ÷ (2·threads + 2), so that every thread can have a
 * batch running and one waiting, while one gathers and one is on its way from the broker. It holds for a fixed target too:
 * one of 2,048 under a prefetch of 2,000 was never reached, every batch waited until it was old, and the rate was 0.68 of
 * that without a target (`npm run bench -- knobs target-noop`).
 */
export class BatchSizer {
  readonly #fixed: number | undefined;
  readonly #threads: number;
  #limit: number;
  readonly #floor: number;
  readonly #taskMs = new RecentMean();
  #target: number;

  constructor(options: BatchSizerOptions) {
    this.#fixed = options.target === 'auto' ? undefined : options.target;
    this.#threads = options.threads;
    this.#limit = limitOf(options);
    this.#floor = Math.min(Math.max(1, options.concurrency), Math.max(1, options.prefetch));
    this.#target = this.#floor;
  }

  /** Messages at which a batch is closed. */
  get target(): number {
    return this.#fixed === undefined ? this.#target : Math.min(this.#fixed, Math.max(this.#limit, this.#floor));
  }

  /** The target, and where it comes from. */
  get choice(): Choice {
    return { value: this.target, why: this.#reason() };
  }

  /** Batches that have been learned from. */
  get samples(): number {
    return this.#taskMs.samples;
  }

  /** The prefetch has changed, and with it how much a batch can be. */
  set prefetch(prefetch: number) {
    this.#limit = limitOf({ prefetch, threads: this.#threads });
  }

  /** Trimmed mean of work a message, ms; 0 while nothing is known. */
  get meanTaskMs(): number {
    return this.#taskMs.value;
  }

  /** True while one task takes so long that a message is better off waiting here than behind it in a thread. */
  get longTasks(): boolean {
    return this.meanTaskMs > LONG_TASK_MS && this.#floor === 1;
  }

  /** Learns from a batch that has run. */
  learn(messages: number, busyMs: number): void {
    if (messages === 0) return;
    this.#taskMs.add(busyMs / messages);
    if (this.#fixed !== undefined) return;
    const meanMs = this.meanTaskMs;
    const wanted = meanMs <= 0 ? this.#limit : Math.floor(TARGET_WORK_MS / meanMs);
    const capped = Math.min(wanted, this.#limit, this.#target * 2);
    this.#target = Math.max(capped, this.#floor, 1);
  }

  #reason(): string {
    if (this.#fixed !== undefined)
      return this.target < this.#fixed ? 'as much as the prefetch allows, less than was given' : 'as given';
    if (this.#taskMs.samples === 0) return 'nothing has run yet';
    if (this.#target === this.#floor && this.#floor > 1) return 'tasks that a thread runs at once';
    if (this.#target >= this.#limit) return 'as much as the prefetch allows';
    const wanted = Math.floor(TARGET_WORK_MS / this.meanTaskMs);
    if (wanted > this.#target) return `grows from batch to batch, at ${workText(this.meanTaskMs)} a task`;
    return `${workText(TARGET_WORK_MS)} of work at ${workText(this.meanTaskMs)} a task`;
  }
}

function limitOf({ prefetch, threads }: Pick<BatchSizerOptions, 'prefetch' | 'threads'>): number {
  return Math.max(1, Math.floor(prefetch / (2 * threads + 2)));
}
