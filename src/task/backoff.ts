import type { Backoff, Jitter, RetryPolicy } from './retry-policy.ts';

/**
 * The delay before the next attempt, whole ms. Pure.
 * @param attempt - the attempt that failed, counted from 1
 * @param random - 0 ≤ random < 1
 */
export function backoffDelay(policy: RetryPolicy, attempt: number, random: number): number {
  const wanted = policy.delayMs === 0 ? 0 : policy.delayMs * GROWTH[policy.backoff](attempt); // 0 × Infinity is no number
  const grown = Math.min(policy.maxDelayMs, wanted);
  const certain = 1 - RANDOM_SHARE[policy.jitter];
  return Math.round(grown * (certain + RANDOM_SHARE[policy.jitter] * random));
}

const RANDOM_SHARE: Readonly<Record<Jitter, number>> = { none: 0, equal: 0.5, full: 1 };

/** What the first delay is multiplied with. Grows to Infinity rather than overflow: the maximum delay cuts it. */
const GROWTH: Readonly<Record<Backoff, (attempt: number) => number>> = {
  fixed: () => 1,
  linear: (attempt) => attempt,
  exponential: (attempt) => 2 ** (attempt - 1),
  fibonacci,
};

/** 1, 2, 3, 5, 8, … */
function fibonacci(nth: number): number {
  let [last, current] = [1, 1];
  for (let n = 1; n < nth; n++) [last, current] = [current, last + current];
  return current;
}
