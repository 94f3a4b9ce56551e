import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultTable, testResults } from '../../../../scripts/test/result-table.ts';

const results = testResults([
  { kind: 'passed', name: 'a', file: '/p/test/faults/x.test.ts', ms: 1_234 },
  { kind: 'figure', name: 'tests', value: 4 },
  { kind: 'skipped', name: 'b', file: '/p/test/faults/longer.test.ts', reason: 'needs a server' },
  { kind: 'skipped', name: 'c', file: '/p/test/faults/x.test.ts', reason: 'test name does not match pattern' },
  { kind: 'failed', name: 'd', file: '/p/test/faults/x.test.ts', message: '1 is lost', ms: 60_049 },
]);

test('failed tests come first, and those that nobody asked for not at all', () => {
  assert.deepEqual(results, [
    { file: 'x.test.ts', name: 'd', result: 'failed', seconds: 60, reason: '1 is lost' },
    { file: 'longer.test.ts', name: 'b', result: 'skipped', seconds: 0, reason: 'needs a server' },
    { file: 'x.test.ts', name: 'a', result: 'passed', seconds: 1.2 },
  ]);
});

test('the table has a line for each test, with the reason beneath', () => {
  assert.deepEqual(resultTable(results), [
    'failed    60.0 s  x.test.ts       d',
    '                  1 is lost',
    'skipped    0.0 s  longer.test.ts  b',
    '                  needs a server',
    'passed     1.2 s  x.test.ts       a',
  ]);
  assert.deepEqual(resultTable([]), []);
});
