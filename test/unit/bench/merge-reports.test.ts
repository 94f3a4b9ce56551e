import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChildReport } from '../../../bench/harness/child.ts';
import { mergeReports, partsOf } from '../../../bench/harness/merge-reports.ts';

function report(startMs: number, endMs: number, calls: readonly number[]): ChildReport {
  const total = calls.reduce((sum, each) => sum + each, 0);
  return {
    startMs,
    endMs,
    cpuMicros: 1000,
    acked: total,
    nacked: 1,
    unknownTags: 2,
    handled: { calls: total, distinct: calls.filter((each) => each > 0).length, foreign: 3, checksum: 2 ** 31 },
    latency: undefined,
    ackTimes: undefined,
    calls: Uint8Array.from(calls),
    peakRssMiB: 100,
    threadsBusy: undefined,
    remains: undefined,
  };
}

test('a fleet works from the first consume of any to the last ack of any, and what it did is the sum', () => {
  const merged = mergeReports([report(20, 90, [1, 1, 0, 0]), report(10, 80, [0, 0, 1, 1])], 4);
  assert.deepEqual(merged, {
    startMs: 10,
    endMs: 90,
    cpuMicros: 2000,
    acked: 4,
    nacked: 2,
    unknownTags: 4,
    peakRssMiB: 200,
    handled: { calls: 4, distinct: 4, foreign: 6, checksum: 0 },
  });
});

test('a message that two processes handled is one message and two calls', () => {
  const { handled } = mergeReports([report(0, 1, [1, 1, 0]), report(0, 1, [0, 1, 0])], 3);
  assert.deepEqual([handled.calls, handled.distinct], [3, 2]);
});

test('queues get equal parts, and every message is in one', () => {
  assert.deepEqual(partsOf(5, 2), [
    { first: 0, messages: 2 },
    { first: 2, messages: 3 },
  ]);
  assert.deepEqual(partsOf(7, 1), [{ first: 0, messages: 7 }]);
});
