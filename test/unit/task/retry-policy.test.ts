import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isRuntimeError } from '../../../src/errors/runtime-error.ts';
import type { Duration } from '../../../src/support/duration.ts';
import {
  checkRetry,
  DEFAULT_RETRY,
  LONGEST_DELAY_MS,
  type RetryPolicy,
  type RetrySettings,
  resolveRetry,
} from '../../../src/task/retry-policy.ts';

const duration: fc.Arbitrary<Duration> = fc.oneof(
  fc.nat(LONGEST_DELAY_MS),
  fc.double({ min: 0, max: 1_000, noNaN: true }),
  fc.tuple(fc.nat(400), fc.constantFrom('ms', 's', 'm', 'h')).map(([n, unit]) => `${n}${unit}` as Duration),
);

const settings: fc.Arbitrary<RetrySettings> = fc.record(
  {
    attempts: fc.integer({ min: 1, max: 1_000 }),
    backoff: fc.constantFrom('fixed', 'linear', 'fibonacci', 'exponential'),
    delay: duration,
    maxDelay: duration,
    jitter: fc.constantFrom('none', 'equal', 'full'),
    never: fc.array(fc.string(), { maxLength: 100 }),
  },
  { requiredKeys: [] },
);

describe('resolveRetry', () => {
  it('leaves as it is what the settings leave open, and takes the rest from them', () => {
    fc.assert(
      fc.property(settings, settings, (queue, task) => {
        const base = resolveRetry(queue, DEFAULT_RETRY);
        const resolved = resolveRetry(task, base);
        assert.equal(resolved.attempts, task.attempts ?? base.attempts);
        assert.equal(resolved.backoff, task.backoff ?? base.backoff);
        assert.equal(resolved.jitter, task.jitter ?? base.jitter);
        assert.deepEqual(resolved.never, task.never ?? base.never);
        if (task.delay === undefined) assert.equal(resolved.delayMs, base.delayMs);
        if (task.maxDelay === undefined) assert.equal(resolved.maxDelayMs, base.maxDelayMs);
        for (const ms of [resolved.delayMs, resolved.maxDelayMs]) {
          assert.ok(Number.isSafeInteger(ms) && ms >= 0 && ms <= LONGEST_DELAY_MS, String(ms));
        }
      }),
    );
  });

  it('reads durations in whole ms, rounded up', () => {
    const resolved = resolveRetry({ delay: '1.5s', maxDelay: 0.25 }, DEFAULT_RETRY);
    assert.deepEqual([resolved.delayMs, resolved.maxDelayMs], [1_500, 1]);
  });

  it('gives the very policy back where nothing is set', () => {
    const base: RetryPolicy = { ...DEFAULT_RETRY, attempts: 9 };
    assert.equal(resolveRetry(undefined, base), base);
    assert.deepEqual(resolveRetry({}, base), base);
  });
});

describe('checkRetry', () => {
  it('accepts every setting in its range', () => {
    fc.assert(fc.property(settings, (given) => checkRetry(given, 'retry')));
    checkRetry({ delay: '456h', maxDelay: LONGEST_DELAY_MS, attempts: undefined }, 'retry');
  });

  it('refuses whatever else it is given with a coded error in one line, and never passes a policy that is no number', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.record({ attempts: fc.anything(), delay: fc.anything(), maxDelay: fc.anything() })),
        (given) => {
          try {
            checkRetry(given, 'task "t": retry');
          } catch (thrown) {
            assert.ok(isRuntimeError(thrown), String(thrown));
            assert.match(thrown.code, /^E_OPTION_(TYPE|RANGE|UNKNOWN)$/);
            assert.match(thrown.message, /^task "t": retry.*[^\n]*$/);
            return;
          }
          const { attempts, delayMs, maxDelayMs } = resolveRetry(given, DEFAULT_RETRY);
          assert.ok([attempts, delayMs, maxDelayMs].every(Number.isSafeInteger));
        },
      ),
    );
  });

  it('names the setting, what was expected and what was got', () => {
    const cases: readonly [unknown, string, RegExp][] = [
      [5, 'E_OPTION_TYPE', /^retry must be an object such as \{ attempts: 5 \}, got 5$/],
      [null, 'E_OPTION_TYPE', /got null$/],
      [[], 'E_OPTION_TYPE', /got an array$/],
      [{ attemps: 1 }, 'E_OPTION_UNKNOWN', /unknown option "attemps", did you mean "attempts"\?; known are attempts, /],
      [{ attempts: '3' }, 'E_OPTION_TYPE', /attempts must be a whole number from 1 to 1000, got "3"/],
      [{ attempts: 0 }, 'E_OPTION_RANGE', /got 0/],
      [{ attempts: 1_001 }, 'E_OPTION_RANGE', /got 1001/],
      [{ attempts: 2.5 }, 'E_OPTION_RANGE', /got 2\.5/],
      [{ attempts: Number.POSITIVE_INFINITY }, 'E_OPTION_RANGE', /got Infinity/],
      [{ backoff: 'quadratic' }, 'E_OPTION_RANGE', /backoff must be one of fixed, linear, fibonacci, exponential/],
      [{ backoff: 2 }, 'E_OPTION_TYPE', /got 2/],
      [{ jitter: true }, 'E_OPTION_TYPE', /jitter must be one of none, equal, full, got a boolean/],
      [{ delay: '5 s' }, 'E_OPTION_TYPE', /retry\.delay must be a duration.*got "5 s"/],
      [{ delay: -1 }, 'E_OPTION_TYPE', /got -1/],
      [{ maxDelay: LONGEST_DELAY_MS + 1 }, 'E_OPTION_RANGE', /retry\.maxDelay must be a duration from 0ms to 19 days/],
      [{ never: 'E_MINE' }, 'E_OPTION_TYPE', /never must be at most 100 error codes or names, got "E_MINE"/],
      [{ never: ['E_MINE', 7] }, 'E_OPTION_TYPE', /got an array/],
      [{ never: Array.from({ length: 101 }, String) }, 'E_OPTION_TYPE', /at most 100/],
    ];
    for (const [given, code, message] of cases) assert.throws(() => checkRetry(given, 'retry'), { code, message });
  });
});
