import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SmallSet } from '../../../src/support/small-set.ts';

test('a small set has what a Set has, in the same order, whatever is added and deleted', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 6 })), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (all) => {
      const [small, reference] = [new SmallSet<number>(), new Set<number>()];
      for (const [adds, member] of all) {
        if (adds) {
          small.add(member);
          reference.add(member);
        } else {
          assert.equal(small.delete(member), reference.delete(member));
        }
        assert.equal(small.size, reference.size);
        assert.deepEqual([...small], [...reference]);
      }
    }),
  );
});

test('what is added while a small set is walked is still visited', () => {
  const small = new SmallSet<number>();
  small.add(1);
  const visited: number[] = [];
  for (const member of small) {
    visited.push(member);
    if (member < 3) small.add(member + 1);
  }
  assert.deepEqual(visited, [1, 2, 3]);
});
