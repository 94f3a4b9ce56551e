import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arrangeWrites, type CollectionWrites } from '../../../../src/store/mongo/arrange-writes.ts';
import type { OnceTask, StoreOperation } from '../../../../src/store/store.ts';
import { insert, once, remove, replace, update } from '../../../support/once-tasks.ts';

/** How many commands the driver makes of it: one for each run of writes that share a command. */
function commands({ origins }: CollectionWrites): string[] {
  const kinds = origins.map(({ operation: { kind } }) => (kind === 'replace' ? 'update' : kind));
  return kinds.filter((kind, nth) => kind !== kinds[nth - 1]);
}

test('tasks that insert and update take two commands, however many they are', () => {
  const tasks = [0, 1, 2].map((nth) =>
    once(`t${nth}`, insert('c', { _id: nth }), update('c', { _id: nth }, { $set: {} })),
  );
  const [writes] = arrangeWrites([...tasks, once('t3', replace('c', { _id: 9 }, {}))]);
  assert.deepEqual(commands(writes as CollectionWrites), ['insert', 'update']);
});

test('each collection is arranged by itself', () => {
  const tasks = [
    once('t0', insert('a', { _id: 0 }), update('b', { _id: 0 }, { $set: {} })),
    once('t1', insert('b', { _id: 1 }), remove('a', { _id: 1 })),
  ];
  assert.deepEqual(
    arrangeWrites(tasks).map((writes) => [writes.collection, commands(writes)]),
    [
      ['a', ['insert', 'delete']],
      ['b', ['insert', 'update']],
    ],
  );
});

test('every write is handed over as the driver wants it, with its own task', () => {
  const task = once(
    't',
    insert('c', { _id: 1 }),
    update('c', { _id: 1 }, [{ $set: { n: 1 } }], true),
    replace('c', { _id: 1 }, { n: 2 }),
    remove('c', { _id: 1 }),
  );
  const [writes] = arrangeWrites([task]);
  assert.deepEqual(writes?.models, [
    { insertOne: { document: { _id: 1 } } },
    { updateOne: { filter: { _id: 1 }, update: [{ $set: { n: 1 } }], upsert: true } },
    { replaceOne: { filter: { _id: 1 }, replacement: { n: 2 }, upsert: false } },
    { deleteOne: { filter: { _id: 1 } } },
  ]);
  assert.deepEqual(
    writes?.origins,
    task.operations.map((operation) => ({ task, operation })),
  );
});

test('for any tasks every write is there once, and each task’s own order in a collection stays', () => {
  const operation: fc.Arbitrary<StoreOperation> = fc
    .record({ collection: fc.constantFrom('a', 'b'), kind: fc.constantFrom('insert', 'update', 'replace', 'remove') })
    .map(({ collection, kind }) => {
      if (kind === 'insert') return insert(collection, { _id: 1 });
      if (kind === 'update') return update(collection, { _id: 1 }, { $set: {} });
      return kind === 'replace' ? replace(collection, { _id: 1 }, {}) : remove(collection, { _id: 1 });
    });
  fc.assert(
    fc.property(fc.array(fc.array(operation, { maxLength: 5 }), { maxLength: 6 }), (generated) => {
      const tasks = generated.map((operations, nth): OnceTask => ({ id: `t${nth}`, operations }));
      const arranged = arrangeWrites(tasks);
      for (const task of tasks) {
        for (const collection of ['a', 'b']) {
          const writes = arranged.find((one) => one.collection === collection);
          assert.deepEqual(
            writes?.origins.flatMap((origin) => (origin.task === task ? [origin.operation] : [])) ?? [],
            task.operations.filter((one) => one.collection === collection),
          );
        }
      }
      const total = arranged.reduce((sum, { models }) => sum + models.length, 0);
      assert.equal(total, generated.flat().length);
      const longest = Math.max(0, ...generated.map((operations) => operations.length));
      for (const writes of arranged) assert.ok(commands(writes).length <= 3 * longest);
    }),
  );
});
