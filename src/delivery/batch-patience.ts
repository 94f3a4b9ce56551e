import type { ArrivalRate } from './arrival-rate.ts';

/** Messages pour in when they fill a batch within so many times the age that a batch may have. */
const POURING_AGES = 2;
/** Where a full batch takes longer, so many within that time still make it worth it to wait until one is old. */
const WORTH_WAITING = 128;

export interface BatchPatienceParts {
  /** Messages that a full batch lacks. */
  readonly missing: number;
  /** How old a batch may become, ms. */
  readonly maxAgeMs: number;
  readonly arrivals: Pick<ArrivalRate, 'msUntil'>;
}

/**
 * How old the oldest message of a batch may become while a thread is idle, ms, because many more are about to come:
 *
 *     a full batch within two ages     → two ages     they pour in, and the batch will be full
 *     128 messages within two ages     → one age      not full, but one wake-up for many: CPU 0.90 where 45,000 a second
 *                                                     come (noop on a classic queue, docs/performance.md)
 *     fewer                            → 0            what waits is sent at once
 */
export function batchPatienceMs({ missing, maxAgeMs, arrivals }: BatchPatienceParts): number {
  const pouringMs = POURING_AGES * maxAgeMs;
  if (arrivals.msUntil(missing) <= pouringMs) return pouringMs;
  return arrivals.msUntil(WORTH_WAITING) <= pouringMs ? maxAgeMs : 0;
}
