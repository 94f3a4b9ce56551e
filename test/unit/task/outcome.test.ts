import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRuntimeError } from '../../../src/errors/runtime-error.ts';
import { discard, failed, retryLater, snooze, succeeded } from '../../../src/task/index.ts';
import { isOutcome } from '../../../src/task/outcome.ts';
import { LONGEST_DELAY_MS } from '../../../src/task/retry-policy.ts';

describe('outcomes', () => {
  it('are plain data that nothing else is taken for', () => {
    for (const outcome of [succeeded(), failed('x'), retryLater(1), snooze(1), discard('x')]) {
      assert.ok(isOutcome(outcome));
      assert.equal(isOutcome({ ...outcome }), false, 'a copy has no brand');
    }
    assert.deepEqual(snooze('1.5s'), { kind: 'snoozed', delayMs: 1_500 });
    assert.deepEqual(discard('a duplicate'), { kind: 'discarded', reason: 'a duplicate' });
    assert.deepEqual(Object.keys(failed('x')), ['kind', 'error']);
  });

  it('retryLater is a failure with a delay, a code and a reason', () => {
    const outcome = retryLater('2m', 'the upstream is busy');
    assert.equal(outcome.kind, 'failed');
    assert.equal(outcome.delayMs, 120_000);
    assert.ok(isRuntimeError(outcome.error, 'E_TASK_RETRY_LATER'));
    assert.equal(outcome.error.message, 'the upstream is busy');
    assert.match(String(retryLater(0).error), /asked to be tried again later/);
  });

  it('take delays up to the longest that the broker can hold, in whole ms, rounded up', () => {
    assert.equal(snooze(0).delayMs, 0);
    assert.equal(snooze(0.2).delayMs, 1);
    assert.equal(retryLater('456h').delayMs, LONGEST_DELAY_MS);
  });

  it('refuse a delay that is none and a reason that is no text with E_TASK_OUTCOME, saying what was got', () => {
    const cases: readonly [() => unknown, RegExp][] = [
      [() => snooze('5 s'), /^snooze\(delay\): the delay must be a duration from 0ms to 19 days.*got "5 s"$/],
      [() => snooze(LONGEST_DELAY_MS + 1), /got 1641600001$/],
      [() => snooze(-1), /got -1$/],
      [() => snooze(Number.NaN), /got NaN$/],
      [() => snooze(undefined as never), /got undefined$/],
      [() => retryLater('120' as never), /^retryLater\(delay, reason\): the delay.*got "120"$/],
      [() => retryLater(null as never), /got null$/],
      [() => retryLater(1, new Error('x') as never), /the reason must be text, got an object$/],
      [() => discard(''), /^discard\(reason\): the reason must be text, got ""$/],
      [() => discard(undefined as never), /got undefined$/],
    ];
    for (const [make, message] of cases) assert.throws(make, { code: 'E_TASK_OUTCOME', message });
  });
});
