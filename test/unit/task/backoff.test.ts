import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { backoffDelay } from '../../../src/task/backoff.ts';
import { type Backoff, DEFAULT_RETRY, type Jitter, type RetryPolicy } from '../../../src/task/retry-policy.ts';

const backoff = fc.constantFrom<Backoff[]>('fixed', 'linear', 'fibonacci', 'exponential');
const jitter = fc.constantFrom<Jitter[]>('none', 'equal', 'full');
const ms = fc.oneof(fc.nat(10), fc.nat(1_641_600_000));
const attempt = fc.integer({ min: 1, max: 1_000 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const policy: fc.Arbitrary<RetryPolicy> = fc.record({
  attempts: attempt,
  backoff,
  delayMs: ms,
  maxDelayMs: ms,
  jitter,
  never: fc.constant([]),
});

describe('backoffDelay', () => {
  it('is a whole number of ms, never below 0 and never above the maximum, up to the last attempt', () => {
    fc.assert(
      fc.property(policy, attempt, random, (policy, attempt, random) => {
        const delay = backoffDelay(policy, attempt, random);
        assert.ok(Number.isSafeInteger(delay), String(delay));
        assert.ok(delay >= 0 && delay <= policy.maxDelayMs, `${delay} of at most ${policy.maxDelayMs}`);
      }),
      { numRuns: 1_000 },
    );
  });

  it('never shrinks from attempt to attempt without jitter', () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 999 }), (any, attempt) => {
        const calm: RetryPolicy = { ...any, jitter: 'none' };
        assert.ok(backoffDelay(calm, attempt + 1, 0.9) >= backoffDelay(calm, attempt, 0.1));
      }),
      { numRuns: 1_000 },
    );
  });

  it('keeps to the share of the delay that its jitter leaves to chance', () => {
    fc.assert(
      fc.property(policy, attempt, random, (any, attempt, random) => {
        const whole = backoffDelay({ ...any, jitter: 'none' }, attempt, random);
        const equal = backoffDelay({ ...any, jitter: 'equal' }, attempt, random);
        const full = backoffDelay({ ...any, jitter: 'full' }, attempt, random);
        assert.ok(equal >= Math.floor(whole / 2) && equal <= whole, `${equal} of ${whole}`);
        assert.ok(full >= 0 && full <= whole, `${full} of ${whole}`);
      }),
    );
    const tens: RetryPolicy = { ...DEFAULT_RETRY, backoff: 'fixed', delayMs: 1_000 };
    assert.deepEqual(
      [0, 0.5, 0.999].map((random) => backoffDelay({ ...tens, jitter: 'equal' }, 1, random)),
      [500, 750, 1_000],
    );
    assert.deepEqual(
      [0, 0.5, 0.999].map((random) => backoffDelay({ ...tens, jitter: 'full' }, 1, random)),
      [0, 500, 999],
    );
  });

  it('grows as its name says, up to the maximum', () => {
    const delays = (backoff: Backoff, maxDelayMs = 100_000): number[] =>
      [1, 2, 3, 4, 5].map((attempt) =>
        backoffDelay({ ...DEFAULT_RETRY, jitter: 'none', backoff, maxDelayMs }, attempt, 0.3),
      );
    assert.deepEqual(delays('fixed'), [1_000, 1_000, 1_000, 1_000, 1_000]);
    assert.deepEqual(delays('linear'), [1_000, 2_000, 3_000, 4_000, 5_000]);
    assert.deepEqual(delays('fibonacci'), [1_000, 2_000, 3_000, 5_000, 8_000]);
    assert.deepEqual(delays('exponential'), [1_000, 2_000, 4_000, 8_000, 16_000]);
    assert.deepEqual(delays('exponential', 5_000), [1_000, 2_000, 4_000, 5_000, 5_000]);
  });
});
