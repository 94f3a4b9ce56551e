/** Decides who is to blame when a thread dies, by the ledgers of the batches it had. */
import { DONE, RUNNING, TIMED_OUT, WRITING } from '../batch/ledger.ts';
import { monotonicNow } from '../support/monotonic.ts';
import { positionsOf, type RunInFlight } from './batch.ts';

/** What a thread's death means for the tasks of one run. Positions in the batch, ascending. */
export interface Verdict {
  /** Finished with success before the death: their effects are stored. */
  readonly done: readonly number[];
  /** Had not run, or had not said how they ended: run again, no attempt counted. */
  readonly again: readonly number[];
  /** Was the only task running in the dead thread: this death is its attempt. */
  readonly culprit: number | undefined;
  /** Were running with others: each runs again by itself, no attempt counted. */
  readonly suspects: readonly number[];
  /** Had run, and their effects were on their way while no task was running: what they left behind may have ended it. */
  readonly writing: readonly number[];
  /** Were past their last moment: the thread was ended because of them, and this was their attempt. */
  readonly timedOut: readonly number[];
}

/** What was going on in a thread when it died, over all its runs. */
export interface ThreadDeath {
  readonly running: number;
  readonly timedOut: number;
}

/** What is going on in a thread, by the ledgers of the runs it has. */
export function lookAtThread(runs: Iterable<RunInFlight>, threadId: number): ThreadDeath {
  let running = 0;
  let timedOut = 0;
  for (const run of runs) {
    if (run.ledger.threadId !== threadId) continue;
    timedOut += run.timedOut;
    for (let index = 0; index < run.batch.count; index++) if (run.ledger.state(index) === RUNNING) running++;
  }
  return { running, timedOut };
}

/**
 * Reads the ledger of a run whose thread has exited. Where the thread was ended because of tasks past their time, those
 * are to blame and the others that were running are not.
 */
export function judge(run: RunInFlight, death: ThreadDeath): Verdict {
  const done: number[] = [];
  const again: number[] = [];
  const running: number[] = [];
  const writing: number[] = [];
  const blameless = death.running === 0 && death.timedOut === 0;
  const timedOut: number[] = [];
  for (const index of positionsOf(run)) {
    const state = run.ledger.state(index);
    if (state === DONE) done.push(index);
    else if (state === TIMED_OUT) timedOut.push(index);
    else if (state === RUNNING && death.timedOut === 0) running.push(index);
    else if (state === WRITING && blameless) writing.push(index);
    else if (!run.ledger.isTakenBack(index)) again.push(index);
  }
  const alone = running.length === 1 && death.running === 1;
  return { done, again, culprit: alone ? running[0] : undefined, suspects: alone ? [] : running, writing, timedOut };
}

/**
 * How long the tasks of a run had kept its thread when that ended, ms. Without it a queue whose tasks end their threads, or
 * never end, would pay for none of the time, and come first each time.
 */
export function busyUntilDeath(run: RunInFlight): number {
  let sinceMs = Number.POSITIVE_INFINITY;
  for (const index of positionsOf(run)) {
    const state = run.ledger.state(index);
    if (state === RUNNING || state === TIMED_OUT) sinceMs = Math.min(sinceMs, run.ledger.startedAtMs(index));
  }
  return sinceMs === Number.POSITIVE_INFINITY ? 0 : monotonicNow() - run.openedMonotonicMs - sinceMs;
}
