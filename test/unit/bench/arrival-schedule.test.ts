import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ArrivalSchedule, dueMs } from '../../../bench/harness/arrival-schedule.ts';

const schedules: fc.Arbitrary<ArrivalSchedule> = fc.record(
  {
    rate: fc.integer({ min: 1, max: 100_000 }),
    burst: fc.record({ from: fc.nat({ max: 5000 }), messages: fc.nat({ max: 50_000 }) }),
  },
  { requiredKeys: ['rate'] },
);

test('messages of a steady arrival are due one interval apart, without drift', () => {
  assert.deepEqual(
    [0, 1, 2, 1000].map((index) => dueMs({ rate: 500 }, index)),
    [0, 2, 4, 2000],
  );
  assert.equal(dueMs({ rate: 3 }, 3_000_000), 1_000_000_000);
});

test('a burst is due at once, and the steady arrival goes on as if it were not there', () => {
  const schedule = { rate: 1000, burst: { from: 5, messages: 100 } };
  assert.equal(dueMs(schedule, 4), 4);
  for (let index = 5; index < 105; index++) assert.equal(dueMs(schedule, index), 5, `message ${index}`);
  assert.deepEqual(
    [105, 106, 107].map((index) => dueMs(schedule, index)),
    [5, 6, 7],
  );
});

test('no message is due before the one published before it', () => {
  fc.assert(
    fc.property(schedules, fc.nat({ max: 100_000 }), (schedule, index) => {
      assert.ok(dueMs(schedule, index) <= dueMs(schedule, index + 1));
    }),
  );
});

test('the steady share of any burst arrives at its rate', () => {
  fc.assert(
    fc.property(schedules, fc.nat({ max: 100_000 }), (schedule, nth) => {
      const { rate, burst } = schedule;
      const index = burst === undefined || nth < burst.from ? nth : nth + burst.messages;
      assert.equal(dueMs(schedule, index), (nth * 1000) / rate);
    }),
  );
});
