import { type Choice, workText } from './choice.ts';

/** Work that a process has ahead: it hides any round trip to the broker, and leaves the rest to other processes. */
const AHEAD_MS = 2_000;
/** Twice as many bring 6 to 11 %, where there is one process: too little for what they hold (docs/guides/tuning.md). */
const HIGHEST = 2_000;
/** For each task that runs at once, while nothing is known: if they all take minutes, they are still held in time. */
const FIRST = 16;
/** A mean of fewer batches says more about the start of the thread than about the tasks. */
const FEWEST_SAMPLES = 3;
/** A prefetch grows by this factor at least: each time adds a consumer on the broker. */
const STEP = 2;
const GROW_EVERY_MS = 100;

export interface PrefetchSizerOptions {
  /** A fixed prefetch, or 'auto'. */
  readonly prefetch: number | 'auto';
  readonly threads: number;
  /** Tasks that one thread runs at once. */
  readonly concurrency: number;
}

/**
 * How many messages the broker may push ahead: like a batch, an amount of work and not a number. Microsecond tasks are
 * pushed by 2,000, tasks of minutes by 16 for each that runs, so that a process that comes later finds something to do and
 * nothing waits here for longer than the broker allows (30 minutes, RabbitMQ's consumer_timeout). It only grows: for a
 * smaller one, a consumer would have to be cancelled, and what is on its way to it would be stuck (consumer-channel.ts).
 */
export class PrefetchSizer {
  readonly #fixed: boolean;
  readonly #threads: number;
  #current: number;
  #why: string;
  #changedAtMs = 0;

  constructor(options: PrefetchSizerOptions) {
    const running = options.threads * options.concurrency;
    this.#threads = options.threads;
    this.#fixed = options.prefetch !== 'auto';
    this.#current = options.prefetch === 'auto' ? Math.min(FIRST * running, HIGHEST) : options.prefetch;
    this.#why = this.#fixed ? 'as given' : `${FIRST} for each task at once, until some have run`;
  }

  get current(): number {
    return this.#current;
  }

  /** What it may become. */
  get highest(): number {
    return this.#fixed ? this.#current : HIGHEST;
  }

  get choice(): Choice {
    return { value: this.#current, why: this.#why };
  }

  /**
   * Follows what a task takes; true when `current` has changed.
   * @param samples - batches behind the mean
   */
  follow(meanTaskMs: number, samples: number, nowMs: number): boolean {
    if (this.#fixed || samples < FEWEST_SAMPLES) return false;
    const wanted = this.#wanted(meanTaskMs);
    const grows = wanted >= this.#current * STEP || (wanted === HIGHEST && this.#current < HIGHEST);
    if (!grows || nowMs - this.#changedAtMs < GROW_EVERY_MS) return false;
    this.#current = wanted;
    this.#changedAtMs = nowMs;
    this.#why = this.#reason(wanted, meanTaskMs);
    return true;
  }

  #wanted(meanTaskMs: number): number {
    const ahead = meanTaskMs <= 0 ? HIGHEST : Math.floor((AHEAD_MS * this.#threads) / meanTaskMs);
    return Math.min(HIGHEST, ahead);
  }

  #reason(wanted: number, meanTaskMs: number): string {
    if (wanted === HIGHEST) return `more brings little at ${workText(meanTaskMs)} a task`;
    return `${workText(AHEAD_MS)} of work at ${workText(meanTaskMs)} a task`;
  }
}
