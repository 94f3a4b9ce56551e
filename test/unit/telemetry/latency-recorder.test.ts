import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LatencyRecorder } from '../../../src/telemetry/latency-recorder.ts';

test('a batch counts as many times as it has messages', () => {
  const latency = new LatencyRecorder();
  latency.record(1, 98);
  latency.record(500, 2);
  const { p50Ms, p99Ms, maxMs } = latency.snapshot();
  assert.ok(
    Math.abs(p50Ms - 1) < 0.01 && Math.abs(p99Ms - 500) < 1 && Math.abs(maxMs - 500) < 1,
    JSON.stringify({ p50Ms, p99Ms, maxMs }),
  );
});

test('no percentile is above the maximum, whatever was recorded', () => {
  const values = fc.array(fc.double({ min: 0, max: 400_000, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(values, (list) => {
      const latency = new LatencyRecorder();
      for (const ms of list) latency.record(ms, 1);
      const { p50Ms, p99Ms, maxMs } = latency.snapshot();
      assert.ok(p50Ms <= p99Ms && p99Ms <= maxMs);
    }),
    { numRuns: 50 },
  );
});

test('before the first message everything is zero', () => {
  assert.deepEqual(new LatencyRecorder().snapshot(), { p50Ms: 0, p99Ms: 0, maxMs: 0 });
});
