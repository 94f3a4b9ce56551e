/** Decides who is to blame when a thread dies, by the ledgers of the batches it had. */
import { DONE, RUNNING } from '../batch/ledger.ts';
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
}

/** Tasks of this run that were running. */
export function countRunning(run: RunInFlight): number {
  let running = 0;
  for (let index = 0; index < run.batch.count; index++) if (run.ledger.state(index) === RUNNING) running++;
  return running;
}

/**
 * Reads the ledger of a run whose thread has exited.
 * @param runningInThread - tasks that were running in the dead thread, over all its runs
 */
export function judge(run: RunInFlight, runningInThread: number): Verdict {
  const done: number[] = [];
  const again: number[] = [];
  const running: number[] = [];
  for (const index of positionsOf(run)) {
    const state = run.ledger.state(index);
    if (state === DONE) done.push(index);
    else if (state === RUNNING) running.push(index);
    else if (!run.ledger.isTakenBack(index)) again.push(index);
  }
  const alone = running.length === 1 && runningInThread === 1;
  return { done, again, culprit: alone ? running[0] : undefined, suspects: alone ? [] : running };
}
