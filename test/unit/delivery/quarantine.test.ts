import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DONE,
  Ledger,
  type LedgerState,
  OTHER,
  RUNNING,
  TAKEN_BACK,
  WAITING,
  WRITING,
} from '../../../src/batch/ledger.ts';
import type { Batch, RunInFlight } from '../../../src/delivery/batch.ts';
import { countRunning, judge } from '../../../src/delivery/quarantine.ts';

function runWith(states: readonly LedgerState[], indexes?: readonly number[]): RunInFlight {
  const ledger = Ledger.allocate(states.length);
  for (const [index, state] of states.entries()) ledger.set(index, state);
  return { batch: { count: states.length } as Batch, indexes, ledger, takenBack: 0 };
}

test('the only task that was running is the culprit; what had not run runs again without a charge', () => {
  const run = runWith([DONE, OTHER, RUNNING, WAITING, WRITING]);
  assert.deepEqual(judge(run, countRunning(run)), { done: [0], again: [1, 3, 4], culprit: 2, suspects: [] });
});

test('when several were running nobody is charged, and each runs again by itself', () => {
  const run = runWith([RUNNING, DONE, RUNNING]);
  assert.deepEqual(judge(run, 2), { done: [1], again: [], culprit: undefined, suspects: [0, 2] });
});

test('a task that was running beside one of another batch in the same thread is only a suspect', () => {
  assert.deepEqual(judge(runWith([RUNNING]), 2), { done: [], again: [], culprit: undefined, suspects: [0] });
});

test('tasks taken back are nobody’s to judge', () => {
  assert.deepEqual(judge(runWith([TAKEN_BACK, WAITING]), 0), {
    done: [],
    again: [1],
    culprit: undefined,
    suspects: [],
  });
});

test('a rerun judges only the tasks it was for', () => {
  const run = runWith([TAKEN_BACK, RUNNING, TAKEN_BACK], [1]);
  assert.deepEqual(judge(run, 1), { done: [], again: [], culprit: 1, suspects: [] });
});
