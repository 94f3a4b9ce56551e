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
import type { Batch, Run, RunInFlight } from '../../../src/delivery/batch.ts';
import { NeighbourWatch } from '../../../src/delivery/neighbour-watch.ts';
import { monotonicNow } from '../../../src/support/monotonic.ts';

const THREAD = 5;
const OPENED_AGO_MS = 1_000;

interface Given {
  readonly thread?: number;
  /** How long its running tasks have been running, ms. */
  readonly ranMs?: number;
  readonly beginning?: boolean;
  /** Not read by its thread yet. */
  readonly unread?: boolean;
  readonly meanTaskMs?: number;
  readonly alone?: boolean;
  readonly indexes?: readonly number[];
}

function runOf(states: readonly LedgerState[], given: Given = {}): RunInFlight {
  const { thread = THREAD, ranMs = 500, beginning = true, unread = false, meanTaskMs = 1, alone, indexes } = given;
  const ledger = Ledger.allocate(states.length);
  ledger.assignedTo = thread;
  if (!unread) {
    ledger.threadId = thread;
    ledger.beginning = beginning;
  }
  for (const [index, state] of states.entries()) {
    ledger.set(index, state);
    ledger.stampStart(index, OPENED_AGO_MS - ranMs);
  }
  const batch = { count: states.length, lane: { sizer: { meanTaskMs } } } as Batch;
  const openedMonotonicMs = monotonicNow() - OPENED_AGO_MS;
  const moments = { openedMonotonicMs, sentMonotonicMs: openedMonotonicMs, expectedMs: 0 };
  return { batch, indexes, ...(alone === true ? { alone } : {}), ledger, ...moments, takenBack: 0, timedOut: 0 };
}

class Rig {
  readonly done: (readonly number[])[] = [];
  readonly takenBack: (readonly number[] | undefined)[] = [];
  changes = 0;
  readonly watch: NeighbourWatch;

  constructor(runs: readonly RunInFlight[], threads = 2, mayStart = true) {
    this.watch = new NeighbourWatch({
      threads,
      runs: () => runs,
      mayStart: () => mayStart,
      done: (_run, indexes) => this.done.push(indexes),
      takenBack: (run: Run) => this.takenBack.push(run.indexes),
      changed: () => this.changes++,
    });
    this.watch.look();
  }
}

function statesOf({ ledger, batch }: RunInFlight): LedgerState[] {
  return Array.from({ length: batch.count }, (_, index) => ledger.state(index));
}

test('beside a long task what waits is taken back, what is done is settled, and the rest is let be', () => {
  const run = runOf([DONE, OTHER, WRITING, RUNNING, WAITING, WAITING]);
  const rig = new Rig([run]);
  assert.deepEqual(rig.takenBack, [[4, 5]]);
  assert.deepEqual(rig.done, [[0]]);
  assert.deepEqual(statesOf(run), [TAKEN_BACK, OTHER, WRITING, RUNNING, TAKEN_BACK, TAKEN_BACK]);
  assert.equal(run.takenBack, 3);
  assert.deepEqual([...rig.watch.heldUp], [THREAD]);
  rig.watch.look();
  assert.deepEqual([rig.takenBack.length, rig.done.length], [1, 1], 'once');
});

test('the batch that waits behind it in the same thread is taken back, that of another thread is not', () => {
  const behind = runOf([WAITING, WAITING], { unread: true });
  const elsewhere = runOf([WAITING], { unread: true, thread: THREAD + 1 });
  const rig = new Rig([runOf([RUNNING]), behind, elsewhere]);
  assert.deepEqual(rig.takenBack, [[0, 1]]);
  assert.deepEqual(statesOf(elsewhere), [WAITING]);
});

test('only what a run is for is taken back', () => {
  const rig = new Rig([runOf([TAKEN_BACK, RUNNING, WAITING], { indexes: [1, 2] })]);
  assert.deepEqual(rig.takenBack, [[2]]);
});

const patient: readonly [string, Given][] = [
  ['has not run for long', { ranMs: 5 }],
  ['takes what tasks of its queue usually take', { meanTaskMs: 200 }],
  ['is async, and waits', { beginning: false }],
  ['must run alone', { alone: true }],
];
for (const [what, given] of patient) {
  test(`nothing is taken back beside a task that ${what}`, () => {
    const rig = new Rig([runOf([DONE, RUNNING, WAITING], given)]);
    assert.deepEqual([rig.takenBack, rig.done], [[], []]);
  });
}

test('with one thread, and while nothing may be started, what is done is settled and the rest stays', () => {
  for (const [threads, mayStart] of [
    [1, true],
    [2, false],
  ] as const) {
    const rig = new Rig([runOf([DONE, RUNNING, WAITING])], threads, mayStart);
    assert.deepEqual([rig.takenBack, rig.done], [[], [[0]]]);
  }
});

test('a thread serves again as soon as the run that held it up has ended, or its task has', () => {
  const run = runOf([RUNNING]);
  const rig = new Rig([run]);
  rig.watch.ended(run);
  assert.equal(rig.watch.heldUp.size, 0);
  rig.watch.look();
  assert.equal(rig.watch.heldUp.size, 1);
  run.ledger.move(0, RUNNING, WRITING);
  const changes = rig.changes;
  rig.watch.look();
  assert.equal(rig.watch.heldUp.size, 0);
  assert.equal(rig.changes, changes + 1, 'whoever dispatches is told');
});
