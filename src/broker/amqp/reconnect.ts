import type { ReconnectOptions } from './amqp-options.ts';

/**
 * Full jitter: any wait below a ceiling that doubles with each failure. Workers that lost the same broker at the same
 * moment come back spread over the whole time, not in waves.
 *
 * @param failures - failed attempts so far, from 0
 * @param random - from 0 to below 1
 */
export function reconnectDelayMs(failures: number, limits: ReconnectOptions, random: number): number {
  return random * ceilingMs(failures, limits);
}

function ceilingMs(failures: number, limits: ReconnectOptions): number {
  // 2^31 times any minimum is above any maximum, and the power stays finite.
  return Math.min(limits.maxMs, limits.minMs * 2 ** Math.min(failures, 31));
}

/**
 * Counts the failures of one thing that is to be kept up.
 *
 * Being up for a moment is not success: what comes up and falls at once (a broker that closes each new connection, a
 * message that breaks each new channel) must be tried ever more rarely. So the count begins anew only after something
 * was up for longer than the wait it would get.
 */
export class Backoff {
  readonly #limits: ReconnectOptions;
  readonly #random: () => number;
  readonly #now: () => number;
  #failures = 0;
  #upSince: number | undefined;

  constructor(
    limits: ReconnectOptions,
    random: () => number = Math.random,
    now: () => number = () => performance.now(),
  ) {
    this.#limits = limits;
    this.#random = random;
    this.#now = now;
  }

  up(): void {
    this.#upSince = this.#now();
  }

  /** @returns ms to wait before the next attempt */
  next(): number {
    const upMs = this.#upSince === undefined ? 0 : this.#now() - this.#upSince;
    if (upMs > ceilingMs(this.#failures, this.#limits)) this.#failures = 0;
    this.#upSince = undefined;
    return reconnectDelayMs(this.#failures++, this.#limits, this.#random());
  }
}
