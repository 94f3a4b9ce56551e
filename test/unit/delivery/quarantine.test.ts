import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DONE,
  Ledger,
  type LedgerState,
  OTHER,
  RUNNING,
  TAKEN_BACK,
  TIMED_OUT,
  WAITING,
  WRITING,
} from '../../../src/batch/ledger.ts';
import type { Batch, RunInFlight } from '../../../src/delivery/batch.ts';
import { busyUntilDeath, judge, lookAtThread, type ThreadDeath } from '../../../src/delivery/quarantine.ts';
import { monotonicNow } from '../../../src/support/monotonic.ts';

const THREAD = 7;

function death(running: number, timedOut = 0): ThreadDeath {
  return { running, timedOut };
}

function runWith(states: readonly LedgerState[], indexes?: readonly number[]): RunInFlight {
  const ledger = Ledger.allocate(states.length);
  for (const [index, state] of states.entries()) ledger.set(index, state);
  ledger.threadId = THREAD;
  const timedOut = states.filter((state) => state === TIMED_OUT).length;
  const batch = { count: states.length } as Batch;
  return { batch, indexes, ledger, openedMonotonicMs: 0, sentMonotonicMs: 0, expectedMs: 0, takenBack: 0, timedOut };
}

test('the only task that was running is the culprit; what had not run runs again without a charge', () => {
  const run = runWith([DONE, OTHER, RUNNING, WAITING, WRITING]);
  assert.deepEqual(judge(run, lookAtThread([run], THREAD)), {
    done: [0],
    again: [1, 3, 4],
    culprit: 2,
    suspects: [],
    writing: [],
    timedOut: [],
  });
});

test('when several were running nobody is charged, and each runs again by itself', () => {
  const run = runWith([RUNNING, DONE, RUNNING]);
  assert.deepEqual(judge(run, death(2)), {
    done: [1],
    again: [],
    culprit: undefined,
    suspects: [0, 2],
    writing: [],
    timedOut: [],
  });
});

test('a task that was running beside one of another batch in the same thread is only a suspect', () => {
  assert.deepEqual(judge(runWith([RUNNING]), death(2)), {
    done: [],
    again: [],
    culprit: undefined,
    suspects: [0],
    writing: [],
    timedOut: [],
  });
});

test('tasks taken back are nobody’s to judge', () => {
  assert.deepEqual(judge(runWith([TAKEN_BACK, WAITING]), death(0)), {
    done: [],
    again: [1],
    culprit: undefined,
    suspects: [],
    writing: [],
    timedOut: [],
  });
});

test('a rerun judges only the tasks it was for', () => {
  const run = runWith([TAKEN_BACK, RUNNING, TAKEN_BACK], [1]);
  assert.deepEqual(judge(run, death(1)), { done: [], again: [], culprit: 1, suspects: [], writing: [], timedOut: [] });
});

test('a thread ended for a task past its time charges that task alone, and whatever ran beside it runs again', () => {
  const run = runWith([TIMED_OUT, RUNNING, WAITING]);
  const other = runWith([RUNNING, DONE]);
  const seen = lookAtThread([run, other], THREAD);
  assert.deepEqual(seen, { running: 2, timedOut: 1 });
  assert.deepEqual(judge(run, seen), {
    done: [],
    again: [1, 2],
    culprit: undefined,
    suspects: [],
    writing: [],
    timedOut: [0],
  });
  assert.deepEqual(judge(other, seen), {
    done: [1],
    again: [0],
    culprit: undefined,
    suspects: [],
    writing: [],
    timedOut: [],
  });
});

test('a run that its thread took along has kept it since the first task that did not end', () => {
  const states: readonly LedgerState[] = [DONE, RUNNING, TIMED_OUT, WAITING];
  const run: RunInFlight = { ...runWith(states), openedMonotonicMs: monotonicNow() - 60_000 };
  for (const index of states.keys()) run.ledger.stampStart(index, 10_000 * (index + 1));
  const tookMs = busyUntilDeath(run);
  assert.ok(tookMs >= 40_000 && tookMs < 41_000, `${tookMs}`);
  assert.equal(busyUntilDeath({ ...runWith([WAITING, DONE]), openedMonotonicMs: 0 }), 0, 'nothing of it had run');
});

test('when nothing was running, what was being written is suspect', () => {
  const run = runWith([DONE, WRITING, OTHER, WRITING, WAITING]);
  const verdict = judge(run, lookAtThread([run], THREAD));
  assert.deepEqual([verdict.writing, verdict.again, verdict.done], [[1, 3], [2, 4], [0]]);
});
