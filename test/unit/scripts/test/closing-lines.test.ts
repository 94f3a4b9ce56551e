import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closingLines, sumFigures } from '../../../../scripts/test/closing-lines.ts';
import type { RecordedEvent } from '../../../../scripts/test/recorded-event.ts';

const events: RecordedEvent[] = [
  { kind: 'passed', name: 'd', file: 'x.test.ts', ms: 12 },
  { kind: 'figure', name: 'tests', value: 3 },
  { kind: 'figure', name: 'pass', value: 2 },
  { kind: 'skipped', name: 'b', file: 'y.test.ts', reason: 'needs a server' },
  { kind: 'skipped', name: 'c', file: 'y.test.ts', reason: 'needs a server' },
  { kind: 'failed', name: 'a', file: 'x.test.ts', message: 'not equal', ms: 5 },
  { kind: 'figure', name: 'tests', value: 4 },
  { kind: 'figure', name: 'fail', value: 1 },
];

test('the figures of several runs are added', () => {
  const figures = sumFigures(events);
  assert.deepEqual([figures.tests, figures.pass, figures.fail, figures.todo], [7, 2, 1, 0]);
});

test('failures and skips are told with their reasons, and the summary comes last', () => {
  const lines = closingLines(events, ['MongoDB: none; MONGO_URL is not set'], 1.5);
  assert.deepEqual(lines.slice(0, 3), [
    'failed: x.test.ts: a: not equal',
    'skipped: 2 tests: needs a server',
    'MongoDB: none; MONGO_URL is not set',
  ]);
  assert.deepEqual(lines.slice(3), [
    '# tests 7',
    '# suites 0',
    '# pass 2',
    '# fail 1',
    '# cancelled 0',
    '# skipped 0',
    '# todo 0',
    '# duration_ms 1500',
  ]);
});
