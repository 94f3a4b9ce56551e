import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dueMs } from '../../../bench/harness/arrival-schedule.ts';
import { peakBacklog, recoverySeconds } from '../../../bench/scenarios/recovery.ts';

const schedule = { rate: 1000, burst: { from: 1000, messages: 500 } };
const MESSAGES = 4500;
const due = Float64Array.from({ length: MESSAGES }, (_, index) => dueMs(schedule, index));

/** Acks `latency` ms after the message was due, but those due within `slowMs` of the burst only when that has passed. */
function ackedWith(latency: number, slowMs: number): Float64Array {
  const burstAt = due[schedule.burst.from] as number;
  return due.map((at) => (at >= burstAt && at < burstAt + slowMs ? burstAt + slowMs : at) + latency);
}

test('recovery lasts until messages are nearly as fast as before the burst', () => {
  const seconds = recoverySeconds({ due, acked: ackedWith(2, 700) }, schedule.burst);
  assert.ok(seconds > 0.6 && seconds <= 0.7, String(seconds));
});

test('a burst that nobody notices is recovered from at once', () => {
  assert.equal(recoverySeconds({ due, acked: ackedWith(2, 0) }, schedule.burst), 0);
});

test('a consumer that stays slow, or stops, never recovers', () => {
  assert.equal(recoverySeconds({ due, acked: ackedWith(2, 10_000) }, schedule.burst), Number.NaN);
  const stopped = ackedWith(2, 0).fill(0, schedule.burst.from);
  assert.equal(recoverySeconds({ due, acked: stopped }, schedule.burst), Number.NaN);
});

test('the backlog is what was published and not acked, at its highest', () => {
  assert.equal(peakBacklog({ published: Float64Array.of(1, 2, 3, 4), acked: Float64Array.of(1.5, 2.5, 3.5, 4.5) }), 1);
  assert.equal(peakBacklog({ published: Float64Array.of(1, 2, 3, 4), acked: Float64Array.of(9, 3.5, 9, 9) }), 3);
  assert.equal(peakBacklog({ published: Float64Array.of(1, 2, 3, 4), acked: new Float64Array(4) }), 4);
});

test('the backlog is the same as counting at every publish', () => {
  const latencies = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(latencies, (each) => {
      const published = Float64Array.from(each, (_, index) => index + 1);
      const acked = Float64Array.from(each, (latency, index) => index + 1 + latency);
      const counted = [...published].map((now, i) => i + 1 - [...acked].filter((at) => at <= now).length);
      assert.equal(peakBacklog({ published, acked }), Math.max(0, ...counted));
    }),
  );
});
