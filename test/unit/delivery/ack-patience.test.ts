import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AckPatience } from '../../../src/delivery/ack-patience.ts';

interface Clock {
  now: number;
}

function mocked(t: { readonly mock: typeof test.mock }): Clock & { pass(ms: number): void } {
  const clock = {
    now: 1_000,
    pass(ms: number) {
      clock.now += ms;
      t.mock.timers.tick(ms);
    },
  };
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(performance, 'now', () => clock.now);
  return clock;
}

test('acks wait for a straggler as long as two usual batches, then no more', (t) => {
  const clock = mocked(t);
  let rung = 0;
  const patience = new AckPatience(
    () => 20,
    () => rung++,
  );
  assert.equal(patience.isOver(7), false);
  clock.pass(39);
  assert.equal(patience.isOver(7), false);
  assert.equal(rung, 0);
  clock.pass(1);
  assert.equal(rung, 1);
  assert.equal(patience.isOver(7), true);
  assert.equal(patience.isOver(7), true, 'as long as the same one is missing');
});

test('another straggler gets its own time', (t) => {
  const clock = mocked(t);
  const patience = new AckPatience(
    () => 0,
    () => undefined,
  );
  patience.isOver(7);
  clock.pass(4);
  assert.equal(patience.isOver(9), false);
  clock.pass(4);
  assert.equal(patience.isOver(9), false, 'at least 5 ms');
  clock.pass(1);
  assert.equal(patience.isOver(9), true);
});

test('where nothing waits any more nobody is woken', (t) => {
  const clock = mocked(t);
  let rung = 0;
  const patience = new AckPatience(
    () => 0,
    () => rung++,
  );
  patience.isOver(7);
  patience.isOver(0);
  clock.pass(50);
  patience.isOver(8);
  patience.reset();
  clock.pass(50);
  assert.equal(rung, 0);
  assert.equal(patience.isOver(8), false, 'a tag of another epoch is another straggler');
});
