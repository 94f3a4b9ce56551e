import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Deque } from '../../../src/support/deque.ts';

describe('Deque', () => {
  test('behaves as an array with push, shift, unshift, at, set and clear', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('push', 'shift', 'unshift') },
      { weight: 2, arbitrary: fc.constantFrom('set', 'clear') },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.nat(200)), { maxLength: 300 }), (steps) => {
        const deque = new Deque<number>();
        let model: number[] = [];
        for (const [kind, value] of steps) {
          if (kind === 'push') {
            deque.push(value);
            model.push(value);
          }
          if (kind === 'unshift') {
            deque.unshift(value);
            model.unshift(value);
          }
          if (kind === 'shift') assert.equal(deque.shift(), model.shift());
          if (kind === 'clear') {
            deque.clear();
            model = [];
          }
          if (kind === 'set' && model.length > 0) {
            const index = value % model.length;
            deque.set(index, value);
            model[index] = value;
          }
          assert.equal(deque.length, model.length);
        }
        assert.deepEqual(
          model.map((_, index) => deque.at(index)),
          model,
        );
      }),
    );
  });

  test('there is nothing outside its ends', () => {
    const deque = new Deque<number>();
    deque.push(1);
    assert.equal(deque.at(-1), undefined);
    assert.equal(deque.at(1), undefined);
    assert.throws(() => deque.set(1, 2), RangeError);
  });
});
