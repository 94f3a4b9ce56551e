import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bodyAt, ID_LENGTH, idAt, indexOf, signatureAt } from '../../../bench/harness/message-source.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const indexes = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test('an id leads back to its index', () => {
  fc.assert(fc.property(seeds, indexes, (seed, index) => assert.equal(indexOf(seed, idAt(seed, index)), index)));
});

test('an id is a UUID behind a prefix, always of the same length', () => {
  fc.assert(
    fc.property(seeds, indexes, (seed, index) => {
      const id = idAt(seed, index);
      assert.equal(id.length, ID_LENGTH);
      assert.match(id, /^task_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
  );
});

test('an id of another seed, or one that was changed, has no index', () => {
  assert.equal(indexOf(2, idAt(1, 7)), -1);
  assert.equal(indexOf(1, `${idAt(1, 7)}:1`), -1);
  assert.equal(indexOf(1, idAt(1, 7).replace(/.$/, '8')), -1);
  assert.equal(indexOf(1, 42), -1);
});

test('ids that follow each other are spread over the key space', () => {
  const heads = new Set(Array.from({ length: 1000 }, (_, index) => idAt(1, index).slice(5, 7)));
  assert.ok(heads.size > 200, `only ${heads.size} of 256 leading bytes among 1,000 ids`);
});

test('all bodies have the same length and hold their signature', () => {
  const length = bodyAt(1, 0).length;
  fc.assert(
    fc.property(seeds, indexes, (seed, index) => {
      const body = bodyAt(seed, index);
      assert.equal(body.length, length);
      assert.deepEqual(JSON.parse(body.toString()), signatureAt(seed, index));
    }),
  );
});

test('a body of a wanted size has exactly that size and holds its signature', () => {
  const sizes = fc.oneof(fc.integer({ min: 100, max: 3000 }), fc.integer({ min: 100, max: 2 ** 20 }));
  fc.assert(
    fc.property(seeds, indexes, sizes, (seed, index, bytes) => {
      const body = bodyAt(seed, index, bytes);
      assert.equal(body.length, bytes);
      assert.deepEqual(JSON.parse(body.toString()), signatureAt(seed, index, bytes));
    }),
  );
});

test('a body that has no room for its members is refused', () => {
  assert.throws(() => bodyAt(1, 0, 50), /a body has at least \d+ bytes, not 50/);
});
