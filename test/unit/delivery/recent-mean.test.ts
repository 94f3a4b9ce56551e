import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentMean } from '../../../src/delivery/recent-mean.ts';

function meanOf(samples: readonly number[]): number {
  const mean = new RecentMean();
  for (const sample of samples) mean.add(sample);
  return mean.value;
}

test('nothing is known before the first sample', () => {
  assert.equal(meanOf([]), 0);
  assert.equal(meanOf([4]), 4);
});

test('the largest and the smallest sample do not count', () => {
  assert.equal(meanOf([1, 2, 3, 1000]), 2.5);
});

test('what was sixteen samples ago is forgotten', () => {
  assert.equal(meanOf([...Array.from({ length: 20 }, () => 50), ...Array.from({ length: 16 }, () => 2)]), 2);
});
