import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idAt } from '../../../bench/harness/message-source.ts';
import { checkShape, StoredTally } from '../../../bench/harness/stored-tally.ts';

const SEED = 7;

function tallyOf(ids: readonly unknown[], messages: number): ReturnType<StoredTally['summary']> {
  const tally = new StoredTally(SEED, messages);
  for (const id of ids) tally.take(id);
  return tally.summary();
}

test('each message counts once, every document counts', () => {
  const ids = [idAt(SEED, 0), idAt(SEED, 1), idAt(SEED, 1)];
  assert.deepEqual(tallyOf(ids, 3), { documents: 3, distinct: 2 });
});

test('ids that were never sent are documents of no message', () => {
  const ids = [idAt(SEED + 1, 0), idAt(SEED, 3), 'task', 12];
  assert.deepEqual(tallyOf(ids, 3), { documents: 4, distinct: 0 });
});

test('a document of another shape is refused', () => {
  assert.doesNotThrow(() => checkShape({ _id: 'a', at: new Date(), args: [] }));
  assert.throws(() => checkShape({ _id: 'a', at: 5, args: [] }), /another shape/);
  assert.throws(() => checkShape({ _id: 'a', at: new Date(), args: [], more: 1 }), /another shape/);
});
