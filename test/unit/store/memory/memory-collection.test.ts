import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BSON } from 'mongodb';
import { idKey, MemoryCollection } from '../../../../src/store/memory/memory-collection.ts';

function insert(collection: MemoryCollection, documents: readonly Record<string, unknown>[]): [number, string][] {
  const bytes = Buffer.concat(documents.map((document) => BSON.serialize(document)));
  return collection
    .insert(
      bytes,
      documents.map(({ _id }) => idKey(_id)),
    )
    .map(({ index, kind }): [number, string] => [index, kind]);
}

test('documents that lie in any number of chunks are found by their ids', () => {
  const batches = fc.array(
    fc.array(fc.record({ _id: fc.string(), value: fc.string({ maxLength: 20 }) }), { maxLength: 6 }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(batches, (generated) => {
      const collection = new MemoryCollection('c');
      const reference = new Map<string, string>();
      for (const batch of generated) {
        const expected: [number, string][] = [];
        batch.forEach(({ _id, value }, index) => {
          if (reference.has(_id)) expected.push([index, 'duplicate-id']);
          else reference.set(_id, value);
        });
        assert.deepEqual(insert(collection, batch), expected);
      }
      assert.equal(collection.count, reference.size);
      for (const [_id, value] of reference) assert.deepEqual(collection.find(idKey(_id)), { _id, value });
    }),
  );
});

test('a unique index takes no value twice, a missing one counts as null', () => {
  const collection = new MemoryCollection('c');
  collection.createUniqueIndex('n');
  assert.deepEqual(
    insert(collection, [
      { _id: 'a' },
      { _id: 'b', n: null },
      { _id: 'c', n: 1 },
      { _id: 'd', n: 1 },
      { _id: 'e', n: '1' },
    ]),
    [
      [1, 'conflict'],
      [3, 'conflict'],
    ],
  );
});

test('a document that one unique index refuses takes no value of another', () => {
  const collection = new MemoryCollection('c');
  collection.createUniqueIndex('n');
  collection.createUniqueIndex('m');
  assert.deepEqual(
    insert(collection, [
      { _id: 'a', n: 1, m: 1 },
      { _id: 'b', n: 2, m: 1 },
      { _id: 'c', n: 2, m: 2 },
    ]),
    [[1, 'conflict']],
  );
});

test('a unique index cannot be made over equal values', () => {
  const collection = new MemoryCollection('c');
  insert(collection, [
    { _id: 'a', n: 1 },
    { _id: 'b', n: 1 },
  ]);
  assert.throws(() => collection.createUniqueIndex('n'), /same 'n'/);
});

test('a string that looks like another id’s key is not mistaken for it', () => {
  const other = idKey(7);
  assert.notEqual(idKey(other), other);
});
