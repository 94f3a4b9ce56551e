import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchPatienceMs } from '../../../src/delivery/batch-patience.ts';

/** A batch may be 5 ms old. */
const patienceAt = (perMs: number, missing = 500): number =>
  batchPatienceMs({ missing, maxAgeMs: 5, arrivals: { msUntil: (messages) => messages / perMs } });

test('where a full batch comes within two ages, it may become so old', () => {
  assert.equal(patienceAt(50), 10);
  assert.equal(patienceAt(20, 200), 10);
});

test('where a full batch takes longer but many messages come, it may become one age old', () => {
  assert.equal(patienceAt(49.9), 5);
  assert.equal(patienceAt(12.8), 5);
});

test('where few messages come, and while nothing is known, it is sent at once', () => {
  assert.equal(patienceAt(12.7), 0);
  assert.equal(patienceAt(0), 0);
});

test('a batch that lacks little is waited for, however slowly the rest would come', () => {
  assert.equal(patienceAt(1, 10), 10);
  assert.equal(patienceAt(0.1, 10), 0);
});
