import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judgeIds } from '../../../src/cli/demo/id-ledger.ts';

test('every id found once is neither lost nor a duplicate', () => {
  assert.deepEqual(judgeIds(new Set(['a', 'b', 'c']), ['a', 'b'], ['c']), {
    confirmed: 3,
    stored: 2,
    deadLettered: 1,
    lost: 0,
    duplicates: 0,
    foreign: 0,
  });
});

test('what is found nowhere is lost', () => {
  assert.equal(judgeIds(new Set(['a', 'b', 'c']), ['a'], []).lost, 2);
});

test('what is stored and dead-lettered, or stored twice under its suffix, is a duplicate', () => {
  assert.equal(judgeIds(new Set(['a']), ['a'], ['a']).duplicates, 1);
  assert.equal(judgeIds(new Set(['a']), ['a', 'a:1', 'a:2'], []).duplicates, 2);
  assert.equal(judgeIds(new Set(['a']), ['a'], ['a']).lost, 0);
});

test('what nobody confirmed is foreign', () => {
  assert.equal(judgeIds(new Set(['a']), ['a', 'x'], []).foreign, 1);
});

test('lost, found, duplicate and foreign add up for any sets', () => {
  const ids = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 8 });
  fc.assert(
    fc.property(ids, ids, ids, (sent, stored, dead) => {
      const confirmed = new Set(sent);
      const verdict = judgeIds(confirmed, stored, dead);
      const found = verdict.confirmed - verdict.lost;
      assert.equal(found + verdict.duplicates + verdict.foreign, stored.length + dead.length);
    }),
  );
});
