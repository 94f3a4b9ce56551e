import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasonOfCode, reasonOfError, toMiB } from '../../../src/executor/thread/exit-reason.ts';

const MIB = 1_048_576;

test('heap exhaustion says so, with the limit where one was set', () => {
  const error = Object.assign(new Error('Worker terminated due to reaching memory limit: JS heap out of memory'), {
    code: 'ERR_WORKER_OUT_OF_MEMORY',
  });
  assert.equal(reasonOfError(error, 64 * MIB), 'its heap grew beyond the limit of 64 MiB');
  assert.equal(reasonOfError(error, undefined), "its heap grew beyond Node's own limit");
});

test('an uncaught error is named with its message; what is no error as text', () => {
  assert.equal(reasonOfError(new RangeError('too far'), undefined), 'RangeError: too far');
  assert.equal(reasonOfError('just text', undefined), 'just text');
  assert.equal(reasonOfError(undefined, undefined), 'undefined');
});

test('an exit code alone comes of process.exit', () => {
  assert.equal(reasonOfCode(3), 'process.exit(3) was called in it');
});

test('a limit is told to Node in whole MiB, at least one', () => {
  assert.deepEqual([1, MIB, 64 * MIB + 1].map(toMiB), [1, 1, 64]);
});
