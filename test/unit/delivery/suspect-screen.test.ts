/** What the counts of brokers say about a message, those of RabbitMQ 4.x among them: headers as it sends them, written here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeProperties, type MessageProperties } from '../../../src/batch/message-properties.ts';
import type { Batch } from '../../../src/delivery/batch.ts';
import { SuspectScreen } from '../../../src/delivery/suspects.ts';

const MOST_RETURNS = 3;

interface Delivered {
  readonly headers: NonNullable<MessageProperties['headers']>;
  readonly redelivered?: boolean;
}

/** Positions that may run, and those that are put aside. @param excused - returns that this process explains */
function screen(delivered: readonly Delivered[], excused = 0): { runs: readonly number[]; aside: readonly number[] } {
  const records = delivered.map(({ headers, redelivered = true }) => {
    return { redelivered, properties: encodeProperties({ headers }) };
  });
  const lane = {
    queue: { suspects: false },
    redeliveredWaiting: records.filter(({ redelivered }) => redelivered).length,
    excuse: (returns: number) => Math.max(0, returns - excused),
  };
  const slab = { record: (index: number) => records[index] };
  const batch = { lane, slab, fromRecord: 0, count: records.length } as unknown as Batch;
  const aside: number[] = [];
  const suspects = new SuspectScreen({
    mostReturns: MOST_RETURNS,
    divert: (_, index) => aside.push(index),
    mayRun: () => assert.fail('this is not the queue of suspects'),
  });
  const runs = suspects.screen(batch) ?? records.map((_, index) => index);
  assert.equal(lane.redeliveredWaiting, 0, 'each redelivered message is counted off');
  return { runs, aside };
}

test('a message that came back three times by deaths is put aside, its neighbours run', () => {
  const seen = screen([
    { headers: { 'x-delivery-count': 2 } },
    { headers: { 'x-delivery-count': 3 } },
    { headers: {}, redelivered: false },
    { headers: { 'x-delivery-count': 20 } },
  ]);
  assert.deepEqual(seen, { runs: [0, 2], aside: [1, 3] });
});

test('returns that RabbitMQ 4.3 counts apart, because nobody died of them, make no suspect', () => {
  // Given back by a nack or taken back at a consumer timeout: the message was acquired often and failed at most once.
  const seen = screen([
    { headers: { 'x-acquired-count': 12 } },
    { headers: { 'x-acquired-count': 12, 'x-delivery-count': 1 } },
  ]);
  assert.deepEqual(seen, { runs: [0, 1], aside: [] });
});

test('lost connections that this process has lived through are no deaths', () => {
  const counted = [{ headers: { 'x-delivery-count': 4 } }, { headers: { 'x-delivery-count': 6 } }];
  assert.deepEqual(screen(counted, 2), { runs: [0], aside: [1] });
});

test('a count that cannot be read, or is none, makes no suspect', () => {
  const seen = screen([{ headers: { 'x-delivery-count': 'often' } }, { headers: {} }]);
  assert.deepEqual(seen, { runs: [0, 1], aside: [] });
});
