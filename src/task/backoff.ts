import type { Backoff, RetryPolicy } from './retry-policy.ts';

/**
 * The delay before the next attempt, whole ms. Pure.
 * @param attempt - the attempt that failed, counted from 1
 * @param random - 0 ≤ random < 1
 */
export function backoffDelay(policy: RetryPolicy, attempt: number, random: number): number {
  const wanted = policy.delayMs === 0 ? 0 : policy.delayMs * growth(policy.backoff, attempt); // 0 × Infinity is no number
  const grown = Math.min(policy.maxDelayMs, wanted);
  switch (policy.jitter) {
    case 'none':
      return Math.round(grown);
    case 'equal':
      return Math.round(grown / 2 + (grown / 2) * random);
    case 'full':
      return Math.round(grown * random);
  }
}

/** What the first delay is multiplied with. Grows to Infinity rather than overflow: the maximum delay cuts it. */
function growth(backoff: Backoff, attempt: number): number {
  switch (backoff) {
    case 'fixed':
      return 1;
    case 'linear':
      return attempt;
    case 'exponential':
      return 2 ** (attempt - 1);
    case 'fibonacci':
      return fibonacci(attempt);
  }
}

/** 1, 2, 3, 5, 8, … */
function fibonacci(nth: number): number {
  let [last, current] = [1, 1];
  for (let n = 1; n < nth; n++) [last, current] = [current, last + current];
  return current;
}
