import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatByteSize, parseByteSize } from '../../../src/support/byte-size.ts';

test('a number is bytes, text carries a unit of powers of 1024', () => {
  assert.deepEqual([7, '7B', '1KiB', '64MiB', '0.5GiB'].map(parseByteSize), [7, 7, 1024, 67_108_864, 536_870_912]);
});

test('what is no size is undefined', () => {
  for (const value of ['', '64', '64MB', '64 MiB', -1, 0.5, Number.NaN, null, []]) {
    assert.equal(parseByteSize(value), undefined, String(value));
  }
});

test('formatting and parsing again gives the same size', () => {
  fc.assert(fc.property(fc.nat(), (bytes) => parseByteSize(formatByteSize(bytes)) === bytes));
});
