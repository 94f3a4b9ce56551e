import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencies, lateness } from '../../../bench/scenarios/latencies.ts';

const times = {
  due: Float64Array.of(10, 20, 30, 40),
  published: Float64Array.of(10, 25, 30, 40),
  acked: Float64Array.of(110, 28, 0, 41),
};

test('latency runs from when a message was due, also when the publisher was late', () => {
  assert.deepEqual([latencies(times, 1).at(50), latencies(times, 1).snapshot()?.max], [1, 8]);
});

test('messages that were not acked have no latency', () => {
  assert.equal(latencies({ due: times.due, acked: new Float64Array(4) }).snapshot(), undefined);
  assert.equal(latencies({ due: times.due, acked: new Float64Array(4) }).at(90), Number.NaN);
});

test('messages before the first that counts are left out', () => {
  assert.ok((latencies(times).snapshot()?.max ?? 0) >= 100);
  assert.ok((latencies(times, 1).snapshot()?.max ?? 0) < 10);
});

test('only those count that are asked for', () => {
  assert.equal(latencies(times, 0, (index) => index === 1).snapshot()?.max, 8);
});

test('lateness is what the publisher itself added', () => {
  assert.equal(lateness(times).at(50), 0);
  assert.equal(Math.round(lateness(times).at(100)), 5);
  assert.equal(lateness(times, 2).at(100), 0);
});
