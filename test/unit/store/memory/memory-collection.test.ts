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

/** The contents, and for each number whether the unique index lets a new document have it. */
function stateOf(collection: MemoryCollection): unknown {
  const taken = [0, 1, 2, 3].map((n) => {
    try {
      collection.put('probe', { _id: 'probe', n })();
      return false;
    } catch {
      return true;
    }
  });
  return { documents: new Map([...collection.keys()].map((key) => [key, collection.find(key)])), taken };
}

test('for any writes a refused one changes nothing, and undoing them backwards brings everything back', () => {
  const id = fc.constantFrom('a', 'b', 'c');
  const write = fc.oneof(
    fc.record({ put: id, n: fc.nat({ max: 3 }) }),
    fc.record({ remove: id }),
    fc.record({ insert: id, n: fc.nat({ max: 3 }) }),
  );
  fc.assert(
    fc.property(fc.array(write, { maxLength: 12 }), fc.nat({ max: 12 }), (writes, kept) => {
      const collection = new MemoryCollection('c');
      collection.createUniqueIndex('n');
      const reference = new Map<string, number>();
      const isTaken = (n: number, except: string): boolean =>
        [...reference].some(([other, value]) => other !== except && value === n);
      const undo: (() => void)[] = [];
      let before: unknown;
      writes.forEach((one, nth) => {
        if (nth === kept) before = stateOf(collection);
        const keep = (done: () => void): void => void (nth >= kept && undo.push(done));
        if ('remove' in one) {
          keep(collection.remove(one.remove));
          reference.delete(one.remove);
        } else if ('put' in one) {
          const put = (): (() => void) => collection.put(one.put, { _id: one.put, n: one.n });
          if (isTaken(one.n, one.put)) assert.throws(put, { kind: 'conflict' });
          else {
            keep(put());
            reference.set(one.put, one.n);
          }
        } else if (nth < kept) {
          const [problem] = insert(collection, [{ _id: one.insert, n: one.n }]);
          if (problem === undefined) reference.set(one.insert, one.n);
        }
        assert.deepEqual(new Map([...collection.keys()].map((key) => [key, collection.find(key)?.['n']])), reference);
      });
      if (before === undefined) return;
      for (const done of undo.toReversed()) done();
      assert.deepEqual(stateOf(collection), before);
    }),
  );
});
