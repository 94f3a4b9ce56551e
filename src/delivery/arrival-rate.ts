/** Shorter spans say more about how the kernel cuts its reads than about how fast messages come. */
const SPAN_MS = 2;

/**
 * How fast messages arrive on a queue, as of the last span of two milliseconds or more. A pause is part of the span that
 * it ends, so what comes after one is slow until the next span says otherwise.
 *
 * Cost: two additions a socket read.
 */
export class ArrivalRate {
  #count = 0;
  #since = 0;
  #perMs = 0;

  /** @param nowMs - when they arrived, ms of `performance.now()` */
  arrived(messages: number, nowMs: number): void {
    this.#count += messages;
    const span = nowMs - this.#since;
    if (span < SPAN_MS) return;
    this.#perMs = this.#count / span;
    this.#since = nowMs;
    this.#count = 0;
  }

  /** How long until so many more have arrived, if it goes on like this, ms; Infinity while nothing is known. */
  msUntil(messages: number): number {
    return messages <= 0 ? 0 : messages / this.#perMs;
  }
}
