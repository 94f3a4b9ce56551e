import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../../src/support/duration.ts';

test('a number is milliseconds, text carries its unit', () => {
  assert.deepEqual(
    [250, '250ms', '30s', '5m', '1.5h', 0].map(parseDuration),
    [250, 250, 30_000, 300_000, 5_400_000, 0],
  );
});

test('what is no duration is undefined', () => {
  for (const value of ['', '30', 's', '-1s', '1 s', '1d', -1, Number.NaN, Number.POSITIVE_INFINITY, null, {}]) {
    assert.equal(parseDuration(value), undefined, JSON.stringify(value));
  }
});

test('formatting and parsing again gives the same length', () => {
  fc.assert(fc.property(fc.nat(100_000_000), (ms) => parseDuration(formatDuration(ms)) === ms));
  assert.deepEqual([90_000, 300_000, 1_500, 0].map(formatDuration), ['90s', '5m', '1500ms', '0ms']);
});
