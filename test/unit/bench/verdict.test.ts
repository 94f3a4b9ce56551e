import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Evidence, judge } from '../../../bench/harness/verdict.ts';

const handled = { calls: 10, distinct: 10, foreign: 0, checksum: 99 };
const perfect: Evidence = {
  messages: 10,
  expectedChecksum: 99,
  report: { acked: 10, nacked: 0, unknownTags: 0, handled },
  stored: { documents: 10, distinct: 10 },
  left: { queued: 0, dead: 0 },
};

function withReport(report: Partial<Evidence['report']>): Evidence {
  return { ...perfect, report: { ...perfect.report, ...report } };
}

test('a perfect run has nothing lost, duplicated or wrong', () => {
  assert.deepEqual(judge(perfect), { lost: 0, duplicates: 0, faults: [] });
  assert.deepEqual(judge({ ...perfect, stored: undefined }), { lost: 0, duplicates: 0, faults: [] });
});

test('an acked message without its document is lost, although it was handled', () => {
  assert.equal(judge({ ...perfect, stored: { documents: 9, distinct: 9 } }).lost, 1);
});

test('a message that no handler saw is lost, although it was acked', () => {
  const evidence = withReport({ handled: { ...handled, calls: 9, distinct: 9 } });
  assert.equal(judge({ ...evidence, stored: undefined }).lost, 1);
});

test('a second document is a duplicate; a second call is one only where nothing is stored', () => {
  assert.equal(judge({ ...perfect, stored: { documents: 11, distinct: 10 } }).duplicates, 1);
  const twice = withReport({ handled: { ...handled, calls: 11 } });
  assert.equal(judge({ ...twice, stored: undefined }).duplicates, 1);
  assert.equal(judge(twice).duplicates, 0);
});

test('everything else that must not be is a fault of its own', () => {
  const cases: [Evidence, RegExp][] = [
    [withReport({ acked: 9 }), /9 of 10 acked/],
    [withReport({ unknownTags: 1 }), /not outstanding/],
    [withReport({ nacked: 1 }), /nacks/],
    [withReport({ handled: { ...handled, foreign: 1 } }), /never sent/],
    [withReport({ handled: { ...handled, checksum: 98 } }), /checksum/],
    [{ ...perfect, left: { queued: 1, dead: 0 } }, /in the queue/],
    [{ ...perfect, left: { queued: 0, dead: 1 } }, /dead letters/],
  ];
  for (const [evidence, expected] of cases) {
    const { faults } = judge(evidence);
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', expected);
  }
});
