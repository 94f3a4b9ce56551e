import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { closestWord, editDistance } from '../../../src/support/closest-word.ts';

test('a misspelt word finds the one that was meant', () => {
  const known = ['threads', 'queues', 'broker', 'store'];
  assert.equal(closestWord('thread', known), 'threads');
  assert.equal(closestWord('qeueus', known), 'queues');
  assert.equal(closestWord('Broker', known), 'broker');
});

test('a word that begins with another finds it', () => {
  assert.equal(closestWord('warning', ['error', 'warn']), 'warn');
  assert.equal(closestWord('conn', ['connectTimeout']), 'connectTimeout');
});

test('a word that is like none finds none', () => {
  assert.equal(closestWord('concurrency', ['threads', 'queues']), undefined);
});

test('the distance is zero only for equal words, and the same both ways', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      assert.equal(distance === 0, a === b);
      assert.equal(distance, editDistance(b, a));
      assert.ok(distance <= Math.max(a.length, b.length));
    }),
  );
});

test('a swap of neighbours is one difference', () => assert.equal(editDistance('amqp', 'maqp'), 1));
