/** What a batch should take of a thread: long enough that a dispatch (about 50 µs) is noise, short enough to be fair. */
const TARGET_WORK_MS = 10;
/** Tasks above this are `long`: no second batch waits behind them. */
const LONG_TASK_MS = 20;
const SAMPLES = 16;

export interface BatchSizerOptions {
  /** A fixed target, or 'auto'. */
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
 * neighbour or one collection pause does not decide. Limit: prefetch ÷ (2·(2·threads + 1)), so that every thread has a
 * batch running, one waiting and one arriving, and still half the prefetch is on its way from the broker.
 */
export class BatchSizer {
  readonly #fixed: number | undefined;
  readonly #limit: number;
  readonly #floor: number;
  readonly #samples = new Float64Array(SAMPLES);
  #sampled = 0;
  #target: number;
  #meanMs = 0;

  constructor(options: BatchSizerOptions) {
    this.#fixed = options.target === 'auto' ? undefined : options.target;
    this.#limit = Math.max(1, Math.floor(options.prefetch / (2 * (2 * options.threads + 1))));
    this.#floor = Math.min(Math.max(1, options.concurrency), Math.max(1, options.prefetch));
    this.#target = this.#fixed ?? this.#floor;
  }

  /** Messages at which a batch is closed. */
  get target(): number {
    return this.#target;
  }

  /** Trimmed mean of work a message, ms; 0 while nothing is known. */
  get meanTaskMs(): number {
    return this.#meanMs;
  }

  /** True while one task takes so long that a message is better off waiting here than behind it in a thread. */
  get longTasks(): boolean {
    return this.#meanMs > LONG_TASK_MS && this.#floor === 1;
  }

  /** Learns from a batch that has run. */
  learn(messages: number, busyMs: number): void {
    if (messages === 0) return;
    this.#samples[this.#sampled % SAMPLES] = busyMs / messages;
    this.#sampled++;
    this.#meanMs = this.#trimmedMean();
    if (this.#fixed !== undefined) return;
    const wanted = this.#meanMs <= 0 ? this.#limit : Math.floor(TARGET_WORK_MS / this.#meanMs);
    const capped = Math.min(wanted, this.#limit, this.#target * 2);
    this.#target = Math.max(capped, this.#floor, 1);
  }

  #trimmedMean(): number {
    const known = Math.min(this.#sampled, SAMPLES);
    let sum = 0;
    let smallest = Infinity;
    let largest = 0;
    for (let i = 0; i < known; i++) {
      const sample = this.#samples[i] as number;
      sum += sample;
      if (sample < smallest) smallest = sample;
      if (sample > largest) largest = sample;
    }
    return known < 3 ? sum / known : (sum - smallest - largest) / (known - 2);
  }
}
