import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArrivalRate } from '../../../src/delivery/arrival-rate.ts';

test('it knows nothing at first, and nothing needs no time', () => {
  const rate = new ArrivalRate();
  assert.equal(rate.msUntil(1), Number.POSITIVE_INFINITY);
  assert.equal(rate.msUntil(0), 0);
});

test('reads of a few microseconds apart count together', () => {
  const rate = new ArrivalRate();
  rate.arrived(1, 1000);
  for (let read = 1; read <= 40; read++) rate.arrived(10, 1000 + read * 0.1);
  assert.ok(Math.abs(rate.msUntil(100) - 1) < 0.1, `${rate.msUntil(100)}`);
});

test('the first message after a pause is slow, however fast it was before', () => {
  const rate = new ArrivalRate();
  for (let read = 0; read < 10; read++) rate.arrived(500, 1000 + read * 3);
  assert.ok(rate.msUntil(500) < 5);
  rate.arrived(1, 2000);
  assert.ok(rate.msUntil(10) > 1000);
});
