import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { retryAfterOf } from '../../../src/task/retry-after.ts';
import { LONGEST_DELAY_MS } from '../../../src/task/retry-policy.ts';

const NOW = Date.parse('2026-03-04T05:06:07.000Z');

function asks(retryAfter: unknown): number | undefined {
  return retryAfterOf(Object.assign(new Error('busy'), { retryAfter }), NOW);
}

describe('retryAfterOf', () => {
  it('reads durations, with numbers as ms', () => {
    assert.equal(asks(2_500), 2_500);
    assert.equal(asks('1.5m'), 90_000);
    assert.equal(asks(0), 0);
    assert.equal(asks(0.1), 1);
  });

  it('reads what an HTTP header Retry-After holds: seconds, or a date', () => {
    assert.equal(asks('120'), 120_000);
    assert.equal(asks('Wed, 04 Mar 2026 05:06:37 GMT'), 30_000);
  });

  it('reads dates; one that has passed means at once', () => {
    assert.equal(asks(new Date(NOW + 4_200)), 4_200);
    assert.equal(asks(new Date(NOW - 4_200)), 0);
    assert.equal(asks('Wed, 04 Mar 2026 05:00:00 GMT'), 0);
  });

  it('takes more than the longest delay as the longest delay', () => {
    assert.equal(asks('999999999999'), LONGEST_DELAY_MS);
    assert.equal(asks(new Date(8.64e15)), LONGEST_DELAY_MS);
    assert.equal(asks('1000h'), LONGEST_DELAY_MS);
  });

  it('ignores what it cannot read', () => {
    for (const value of ['soon', '', '-5', '1.5', '5 s', 'Wed', '2026-03-04', -1, Number.NaN, null, true, {}, [1]]) {
      assert.equal(asks(value), undefined, JSON.stringify(value));
    }
    assert.equal(asks(new Date(Number.NaN)), undefined);
    assert.equal(asks('Wed, 99 Xyz 2026 05:06:37 GMT'), undefined);
    for (const thrown of [undefined, null, 'text', 7, new Error('asks nothing')]) {
      assert.equal(retryAfterOf(thrown, NOW), undefined);
    }
  });

  it('gives whole ms within the bounds for whatever it can read', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.double(), fc.date(), fc.nat().map(String)), (value) => {
        const ms = asks(value);
        assert.ok(ms === undefined || (Number.isSafeInteger(ms) && ms >= 0 && ms <= LONGEST_DELAY_MS), String(ms));
      }),
    );
  });
});
