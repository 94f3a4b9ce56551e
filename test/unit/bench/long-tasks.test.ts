import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLong, isLongSignature } from '../../../bench/harness/long-tasks.ts';
import { signatureAt } from '../../../bench/harness/message-source.ts';

test('one message of a hundred is long, and a task knows it by its id', () => {
  const indexes = Array.from({ length: 1000 }, (_, index) => index);
  assert.equal(indexes.filter(isLong).length, 10);
  assert.deepEqual(
    indexes.filter((index) => isLongSignature(signatureAt(5, index))),
    indexes.filter(isLong),
  );
});
