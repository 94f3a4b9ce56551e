import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksumOf } from '../../../bench/harness/checksum.ts';
import { type Signature, signatureAt } from '../../../bench/harness/message-source.ts';

function withValue(value: string): Signature {
  return { ...signatureAt(1, 1), Args: [{ Value: value }] };
}

test('a long value that was cut, or changed where it is sampled, has another checksum', () => {
  const { Args } = signatureAt(1, 1, 100_000);
  const value = Args[0]?.Value ?? '';
  const whole = checksumOf(withValue(value));
  assert.notEqual(checksumOf(withValue(value.slice(0, -1))), whole);
  assert.notEqual(checksumOf(withValue(value.slice(1))), whole);
  assert.notEqual(checksumOf(withValue(`${value.slice(0, 1024)}#${value.slice(1025)}`)), whole);
  assert.notEqual(checksumOf(withValue(`#${value.slice(1)}`)), whole);
});

test('every character of a short value counts', () => {
  const value = 'v'.repeat(256);
  const sums = new Set(
    Array.from(value, (_, i) => checksumOf(withValue(`${value.slice(0, i)}#${value.slice(i + 1)}`))),
  );
  assert.equal(sums.size, 256);
});
