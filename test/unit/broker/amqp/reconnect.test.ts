import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Backoff, reconnectDelayMs } from '../../../../src/broker/amqp/reconnect.ts';

const LIMITS = { minMs: 100, maxMs: 5000 };
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('reconnect delay', () => {
  test('it is anywhere below a ceiling that doubles up to the maximum', () => {
    const ceilings = [0, 1, 2, 3, 4, 5, 6, 1000].map((failures) => reconnectDelayMs(failures, LIMITS, 1));
    assert.deepEqual(ceilings, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    const property = fc.property(fc.nat({ max: 5000 }), random, (failures, chance) => {
      const delay = reconnectDelayMs(failures, LIMITS, chance);
      assert.ok(delay >= 0 && delay <= LIMITS.maxMs);
      assert.equal(delay, chance * reconnectDelayMs(failures, LIMITS, 1));
    });
    fc.assert(property);
  });

  test('failures in a row wait longer and longer', () => {
    const backoff = new Backoff(LIMITS, () => 0.5);
    assert.deepEqual(
      [1, 2, 3].map(() => backoff.next()),
      [50, 100, 200],
    );
  });

  test('what was up longer than its wait begins anew, what fell at once does not', () => {
    let now = 0;
    const backoff = new Backoff(
      LIMITS,
      () => 0.5,
      () => now,
    );
    backoff.next();
    backoff.next();
    backoff.up();
    now += 10;
    assert.equal(backoff.next(), 200);
    backoff.up();
    now += 10_000;
    assert.equal(backoff.next(), 50);
  });
});
