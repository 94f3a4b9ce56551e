import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { readTiming, type Timing } from '../../../src/client/send-timing.ts';
import type { ErrorCode } from '../../../src/errors/codes.ts';
import { isRuntimeError } from '../../../src/errors/runtime-error.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Both clocks, moved by hand. */
function clocks(context: TestContext): { wall: number; monotonic: number; pass(ms: number): void } {
  const self = {
    wall: Date.UTC(2026, 0, 1),
    monotonic: 5_000,
    pass(ms: number): void {
      self.wall += ms;
      self.monotonic += ms;
    },
  };
  context.mock.method(Date, 'now', () => self.wall);
  context.mock.method(performance, 'now', () => self.monotonic);
  return self;
}

function remaining(timing: Timing): number | undefined {
  return timing.remainingMs?.();
}

function refusal(options: object): { readonly code: ErrorCode; readonly message: string } {
  try {
    readTiming(options);
  } catch (error) {
    if (isRuntimeError(error)) return error;
    throw error;
  }
  return assert.fail(`${JSON.stringify(options)} was accepted`);
}

test('a call that says nothing about time waits for nothing', () => {
  assert.deepEqual(readTiming({}), { remainingMs: undefined, dueAt: undefined, startBy: undefined });
});

test('a delay runs from the call on, whatever happens to the wall clock', (context) => {
  const clock = clocks(context);
  const called = clock.wall;
  const timing = readTiming({ delay: '30s' });
  assert.equal(timing.dueAt, called + 30_000);
  assert.equal(remaining(timing), 30_000);
  clock.pass(20_000);
  assert.equal(remaining(timing), 10_000);
  clock.wall += HOUR_MS;
  assert.equal(remaining(timing), 10_000);
  clock.pass(20_000);
  assert.equal(remaining(timing), -10_000);
});

test('a time is compared with the wall clock', (context) => {
  const clock = clocks(context);
  const due = clock.wall + HOUR_MS;
  for (const at of [due, new Date(due)]) {
    const timing = readTiming({ at });
    assert.equal(timing.dueAt, due);
    assert.equal(remaining(timing), due - clock.wall);
    clock.wall += 60_000;
    assert.equal(remaining(timing), due - clock.wall);
  }
});

test('a delay of nothing, and a time that has passed, mean at once', (context) => {
  const clock = clocks(context);
  for (const options of [{ delay: 0 }, { delay: '0s' as const }, { at: clock.wall }, { at: clock.wall - 1 }, { at: 0 }])
    assert.deepEqual(readTiming(options), { remainingMs: undefined, dueAt: undefined, startBy: undefined });
});

test('the start deadline counts from the call, or from the time the message is due', (context) => {
  const clock = clocks(context);
  assert.equal(readTiming({ startWithin: '10m' }).startBy, clock.wall + 600_000);
  assert.equal(readTiming({ delay: '1h', startWithin: '10m' }).startBy, clock.wall + HOUR_MS + 600_000);
  assert.equal(readTiming({ at: clock.wall + DAY_MS, startWithin: 1 }).startBy, clock.wall + DAY_MS + 1);
  assert.equal(readTiming({ at: clock.wall - DAY_MS, startWithin: 1 }).startBy, clock.wall + 1);
  assert.ok(Number.isInteger(readTiming({ delay: 0.5, startWithin: 1.7 }).startBy));
});

test('delay and at together are refused', () => {
  const { code, message } = refusal({ delay: 1, at: 1 });
  assert.equal(code, 'E_OPTION_RANGE');
  assert.match(message, /delay.*at/);
});

test('what is no duration and no time is E_OPTION_TYPE', () => {
  for (const delay of ['soon', '', -1, Number.NaN, null, {}, 5n])
    assert.equal(refusal({ delay }).code, 'E_OPTION_TYPE');
  for (const at of ['2026-01-01', Number.NaN, Number.POSITIVE_INFINITY, new Date('never'), null, {}])
    assert.equal(refusal({ at }).code, 'E_OPTION_TYPE');
  for (const startWithin of ['late', -1, null]) assert.equal(refusal({ startWithin }).code, 'E_OPTION_TYPE');
});

test('what the broker cannot hold is E_OPTION_RANGE with advice', (context) => {
  const clock = clocks(context);
  assert.equal(remaining(readTiming({ delay: 19 * DAY_MS })), 19 * DAY_MS);
  for (const options of [{ delay: 19 * DAY_MS + 1 }, { at: clock.wall + 19 * DAY_MS + 1 }, { at: new Date(8.64e15) }]) {
    const { code, message } = refusal(options);
    assert.equal(code, 'E_OPTION_RANGE');
    assert.match(message, /at most 19 days.*nearer its time/);
  }
  for (const startWithin of [0, 0.5, '8761h']) assert.equal(refusal({ startWithin }).code, 'E_OPTION_RANGE');
});
