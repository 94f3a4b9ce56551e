import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DONE,
  Ledger,
  type LedgerState,
  OTHER,
  RUNNING,
  TIMED_OUT,
  WAITING,
  WRITING,
} from '../../../src/batch/ledger.ts';
import type { Batch, RunInFlight } from '../../../src/delivery/batch.ts';
import { DeadlineWatch } from '../../../src/delivery/deadline-watch.ts';
import { monotonicNow } from '../../../src/support/monotonic.ts';
import { SILENT_LOGGER } from '../../../src/telemetry/logger.ts';

const THREAD = 5;
const PAST = 1;
const FUTURE = 1_000_000;

/** Tasks as [state, last moment]. */
function runOf(tasks: readonly (readonly [LedgerState, number])[]): RunInFlight {
  const ledger = Ledger.allocate(tasks.length);
  ledger.threadId = THREAD;
  for (const [index, [state, lastMoment]] of tasks.entries()) {
    ledger.set(index, state);
    if (lastMoment > 0) ledger.stampLastMoment(index, lastMoment);
  }
  const batch = { count: tasks.length } as Batch;
  const openedMonotonicMs = monotonicNow() - 1_000;
  return {
    batch,
    indexes: undefined,
    ledger,
    openedMonotonicMs,
    sentMonotonicMs: openedMonotonicMs,
    expectedMs: 0,
    takenBack: 0,
    timedOut: 0,
  };
}

function watch(runs: readonly RunInFlight[]): { watch: DeadlineWatch; ended: number[] } {
  const ended: number[] = [];
  const terminate = (threadId: number): void => void ended.push(threadId);
  return { watch: new DeadlineWatch({ runs: () => runs, terminate, logger: SILENT_LOGGER, shortestMs: 100 }), ended };
}

test('a task past its last moment is timed out for good, and its thread is ended', () => {
  const run = runOf([
    [DONE, PAST],
    [RUNNING, PAST],
    [RUNNING, FUTURE],
    [WAITING, 0],
  ]);
  const { watch: looking, ended } = watch([run]);
  looking.look();
  assert.deepEqual(ended, [THREAD]);
  assert.equal(run.timedOut, 1);
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => run.ledger.state(index)),
    [DONE, TIMED_OUT, RUNNING, WAITING],
  );
  assert.equal(run.ledger.move(1, RUNNING, DONE), false, 'what it ends with later does not count');
  looking.look();
  assert.deepEqual(ended, [THREAD], 'once');
});

test('a task that is writing, has ended or has no last moment is let be', () => {
  const run = runOf([
    [WRITING, PAST],
    [OTHER, PAST],
    [RUNNING, 0],
  ]);
  const { watch: looking, ended } = watch([run]);
  looking.look();
  assert.deepEqual(ended, []);
  assert.equal(run.timedOut, 0);
});

test('a batch that no thread has begun is not looked at', () => {
  const run = runOf([[RUNNING, PAST]]);
  run.ledger.threadId = 0;
  const { watch: looking, ended } = watch([run]);
  looking.look();
  assert.deepEqual(ended, []);
});

test('a bulk write that takes long is said to be slow until it ends', (t) => {
  let now = 50_000;
  t.mock.method(performance, 'now', () => now);
  const run = runOf([[WRITING, 0]]);
  const runs = [run];
  const { watch: looking } = watch(runs);
  looking.look();
  assert.equal(looking.slowWriteMs, undefined);
  now += 6_000;
  looking.look();
  assert.equal(looking.slowWriteMs, 6_000);
  runs.pop();
  looking.look();
  assert.equal(looking.slowWriteMs, undefined);
});
