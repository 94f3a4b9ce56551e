import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../../../bench/harness/options.ts';
import { compareRatios, sameOrder } from '../../../bench/suite/compare.ts';
import { SUITE } from '../../../bench/suite/runs.ts';
import { resultOf } from './result-fixture.ts';

test('every run of the suite has arguments that the command line takes, and a name of its own', () => {
  for (const { name, args, quick } of SUITE) {
    for (const text of quick === undefined ? [args] : [args, quick]) {
      const options = parseOptions(text.split(' '));
      assert.ok(options !== 'help' && !('suite' in options), name);
      assert.ok(options.contenders.length > 1, name);
    }
  }
  assert.equal(new Set(SUITE.map(({ name }) => name)).size, SUITE.length);
});

test('all of the suite takes at most an hour where its minutes hold', () => {
  assert.ok(SUITE.reduce((sum, { minutes }) => sum + minutes, 0) <= 60);
});

test('a quick ratio is compared with the committed one of the same pair, by its first measure', () => {
  const committed = [resultOf('millrace', 80_000, ['c-reader']), resultOf('c-reader', 100_000)];
  const quick = [
    resultOf('millrace', 40_000, ['c-reader', 'bullmq']),
    resultOf('c-reader', 40_000),
    resultOf('bullmq', 1),
  ];
  const [only, ...others] = compareRatios(quick, committed);
  assert.deepEqual(others, []);
  assert.equal(only?.pair, 'millrace ÷ c-reader');
  assert.equal(only?.measure, 'rate');
  assert.equal(only?.quick, 1);
  assert.equal(only?.committed, 0.8);
  assert.equal(only?.difference.toFixed(2), '0.25');
});

test('contenders within 20 % may be swapped, others not', () => {
  const committed = [resultOf('a', 100), resultOf('b', 110), resultOf('c', 200)];
  assert.equal(sameOrder([resultOf('a', 120), resultOf('b', 110), resultOf('c', 200)], committed), true);
  assert.equal(sameOrder([resultOf('a', 300), resultOf('b', 110), resultOf('c', 200)], committed), false);
});
