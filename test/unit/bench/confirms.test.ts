import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Confirms } from '../../../bench/harness/confirms.ts';
import { longLong, METHOD } from '../../../bench/harness/raw-amqp.ts';

function settle(confirms: Confirms, tag: number, multiple: boolean, id: number = METHOD.ack): void {
  confirms.method(id, Buffer.concat([longLong(tag), Buffer.from([multiple ? 1 : 0])]), 0);
}

test('tells each tag that the broker confirms, once', () => {
  const seen: number[] = [];
  const confirms = new Confirms(5, (tag) => seen.push(tag));
  settle(confirms, 2, false);
  settle(confirms, 4, true);
  assert.deepEqual(seen, [2, 1, 3, 4]);
  assert.deepEqual([confirms.count, confirms.refused], [4, 0]);
});

test('a refused message is counted as such', () => {
  const confirms = new Confirms(2);
  settle(confirms, 2, false, METHOD.nack);
  assert.deepEqual([confirms.count, confirms.refused], [1, 1]);
});

test('whoever waits for a count goes on at the end of the read that brings it', async () => {
  const confirms = new Confirms(3);
  let reached = false;
  const waiting = confirms.reached(2).then(() => {
    reached = true;
  });
  settle(confirms, 1, false);
  confirms.readEnded();
  await Promise.resolve();
  assert.equal(reached, false);
  settle(confirms, 3, true);
  confirms.readEnded();
  await waiting;
});
