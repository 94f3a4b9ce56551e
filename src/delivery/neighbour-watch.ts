import { DONE, RUNNING, TAKEN_BACK, WAITING } from '../batch/ledger.ts';
import { monotonicNow } from '../support/monotonic.ts';
import { positionsOf, type Run, type RunInFlight } from './batch.ts';

const LOOK_MS = 5;
/** A task that takes less holds nobody up: batches are about as long. */
const LEAST_HELD_UP_MS = 10;
/** Means of its queue after which a task is long. */
const LONG_MEANS = 4;

export interface NeighbourWatchParts {
  readonly threads: number;
  readonly runs: () => Iterable<RunInFlight>;
  /** False while nothing may be started: then nothing is taken back. */
  readonly mayStart: () => boolean;
  /** These are done in a run that goes on: they can be settled now. */
  readonly done: (run: RunInFlight, indexes: readonly number[]) => void;
  /** These were taken back from a thread before it began them. */
  readonly takenBack: (run: Run) => void;
  /** Threads are held up: other threads may have to get more. */
  readonly changed: () => void;
}

/**
 * Sees to it that short tasks do not wait for a long neighbour. A thread is held up when one of its tasks does not return
 * and has run for four times what tasks of its queue take, at least 10 ms. Then, through the ledgers of all its batches:
 *
 *     waiting ─▶ taken back, and given to other threads        done ─▶ settled, though the batch has not ended
 *
 * The claim in the ledger decides between this and the thread, so nothing runs twice. The thread gets no more batches while
 * it is held up (dispatcher.ts). A task that is `writing` stays: its effects are written when the batch has ended.
 * An async task that waits holds nobody up.
 *
 * Cost: two hundred times a second, while anything runs, a look at the age of each batch; at its ledger only when it is old.
 */
export class NeighbourWatch {
  readonly #parts: NeighbourWatchParts;
  readonly #heldUp = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #watching = false;

  constructor(parts: NeighbourWatchParts) {
    this.#parts = parts;
  }

  /** Threads that a long task holds up. */
  get heldUp(): ReadonlySet<number> {
    return this.#heldUp;
  }

  /** A run was sent to a thread. */
  begun(): void {
    if (this.#watching) return;
    this.#watching = true;
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#lookAgain(), LOOK_MS).unref();
    else this.#timer.refresh();
  }

  /** It has ended: what held up its thread has, too. */
  ended({ ledger }: RunInFlight): void {
    this.#heldUp.delete(ledger.threadId);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#watching = true;
    this.#heldUp.clear();
  }

  /** One look at all runs. */
  look(): void {
    const now = monotonicNow();
    const before = this.#heldUp.size;
    this.#heldUp.clear();
    for (const run of this.#parts.runs()) if (holdsUp(run, now)) this.#heldUp.add(run.ledger.threadId);
    if (this.#heldUp.size > 0) {
      // a copy: what is settled or taken back may start or end runs
      for (const run of [...this.#parts.runs()]) {
        if (this.#heldUp.has(run.ledger.assignedTo)) this.#relieve(run);
      }
    }
    if (before > 0 || this.#heldUp.size > 0) this.#parts.changed();
  }

  #lookAgain(): void {
    this.#watching = false;
    this.look();
    for (const _ of this.#parts.runs()) return this.begun();
  }

  #relieve(run: RunInFlight): void {
    if (run.alone === true) return;
    const { ledger, batch } = run;
    const mayTake = this.#parts.threads > 1 && this.#parts.mayStart();
    const done: number[] = [];
    const waiting: number[] = [];
    for (const index of positionsOf(run)) {
      if (ledger.move(index, DONE, TAKEN_BACK)) done.push(index);
      else if (mayTake && ledger.move(index, WAITING, TAKEN_BACK)) waiting.push(index);
    }
    run.takenBack += done.length + waiting.length;
    if (done.length > 0) this.#parts.done(run, done);
    if (waiting.length > 0) this.#parts.takenBack({ batch, indexes: waiting });
  }
}

/** True while the thread is in a task of this run that does not return. */
function holdsUp(run: RunInFlight, now: number): boolean {
  const { ledger, batch } = run;
  if (now - run.sentMonotonicMs <= LEAST_HELD_UP_MS || !ledger.beginning) return false;
  let running = 0;
  let newest = 0;
  for (let index = 0; index < batch.count; index++) {
    if (ledger.state(index) !== RUNNING) continue;
    running++;
    newest = Math.max(newest, ledger.startedAtMs(index));
  }
  if (running === 0) return false;
  // the rows of a batch task run together
  const expectedMs = LONG_MEANS * batch.lane.sizer.meanTaskMs * running;
  return now - run.openedMonotonicMs - newest > Math.max(LEAST_HELD_UP_MS, expectedMs);
}
