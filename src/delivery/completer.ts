import { TIMED_OUT } from '../batch/ledger.ts';
import type { BatchOutcomes, PackedOutcome } from '../batch/outcome-packer.ts';
import type { WireError } from '../errors/wire-error.ts';
import { formatDuration } from '../support/duration.ts';
import type { Aftermath } from './aftermath.ts';
import { type Batch, positionsOf, type Run, type RunInFlight } from './batch.ts';
import type { DeliveryTally } from './delivery-tally.ts';
import { judge, type ThreadDeath } from './quarantine.ts';
import type { StoreGate } from './store-gate.ts';

export interface CompleterParts {
  readonly aftermath: Aftermath;
  readonly gate: StoreGate;
  readonly tally: DeliveryTally;
  /** Some tasks of a batch have to run again. */
  readonly runAgain: (run: Run) => void;
}

/**
 * Holds the guarantee:
 *
 *     A delivery is acknowledged only after its outcome is stored and its follow-up (retry, dead letter, next step of
 *     a workflow) is confirmed by the broker.
 *
 * A run's answer comes from the thread after its effects were stored, so what succeeded is settled at once. Everything
 * else goes to the aftermath, which settles it when what follows from it has happened.
 *
 * Synchronous for a batch in which all succeeded.
 */
export class Completer {
  readonly #parts: CompleterParts;

  constructor(parts: CompleterParts) {
    this.#parts = parts;
  }

  /** A run came back from its thread. */
  complete(run: RunInFlight, outcomes: BatchOutcomes): void {
    const { batch } = run;
    const { tally } = this.#parts;
    tally.handlerCalls += outcomes.handlerCalls;
    tally.withoutId += outcomes.withoutId;
    batch.lane.learn(outcomes.count, outcomes.busyMs);
    const whole = run.indexes === undefined && run.takenBack === 0 && run.timedOut === 0;
    if (whole && outcomes.others.length === 0) {
      this.#succeed(batch, 0, batch.count);
      this.#parts.gate.stored();
      return;
    }
    this.#completeMixed(run, outcomes.others);
  }

  /** These tasks of a run are done, and the run goes on: a long task keeps it. */
  completeEarly({ batch }: RunInFlight, indexes: readonly number[]): void {
    for (const index of indexes) this.#succeed(batch, index, 1);
  }

  /**
   * A run's thread ended first; its ledger says how far it had come.
   * @param reason - why the thread ended
   */
  died(run: RunInFlight, death: ThreadDeath, reason: string): void {
    const { batch, alone = false } = run;
    const { runAgain } = this.#parts;
    const verdict = judge(run, death);
    for (const index of verdict.done) this.#succeed(batch, index, 1);
    if (verdict.again.length > 0) runAgain({ batch, indexes: verdict.again, alone });
    for (const suspect of verdict.suspects) runAgain({ batch, indexes: [suspect], alone: true });
    for (const index of verdict.timedOut) this.#timeOut(run, index);
    this.#narrowDown(run, verdict.writing, reason);
    if (verdict.culprit !== undefined) this.#crash(batch, verdict.culprit, reason);
  }

  /**
   * A thread died while none of its tasks was running: by what one of those left behind that were being written, e.g. a
   * timer that throws. Each half runs again by itself, until one task alone dies once more: that was it.
   */
  #narrowDown({ batch, indexes, alone = false }: RunInFlight, writing: readonly number[], reason: string): void {
    const { runAgain } = this.#parts;
    const [first] = writing;
    if (first === undefined) return;
    if (writing.length === 1) {
      if (alone && indexes?.length === 1) this.#crash(batch, first, reason);
      else runAgain({ batch, indexes: [first], alone: true });
      return;
    }
    const half = writing.length >> 1;
    runAgain({ batch, indexes: writing.slice(0, half) });
    runAgain({ batch, indexes: writing.slice(half) });
  }

  #crash(batch: Batch, index: number, reason: string): void {
    const message = `the thread ended while it ran this task: ${reason}`;
    const error: WireError = { name: 'RuntimeError', code: 'E_TASK_CRASHED', message };
    this.#parts.aftermath.follow(batch, { index, kind: 'crashed', error });
  }

  #completeMixed(run: RunInFlight, others: readonly PackedOutcome[]): void {
    const { batch, ledger } = run;
    const again: number[] = [];
    let unknown: PackedOutcome | undefined;
    let next = 0;
    for (const index of positionsOf(run)) {
      if (ledger.isTakenBack(index)) continue;
      if (ledger.state(index) === TIMED_OUT) {
        this.#timeOut(run, index);
        continue;
      }
      if (others[next]?.index !== index) {
        this.#succeed(batch, index, 1);
        continue;
      }
      const outcome = others[next++] as PackedOutcome;
      if (outcome.kind === 'timed-out') this.#parts.tally.timedOut++;
      if (!this.#parts.aftermath.follow(batch, outcome)) continue;
      again.push(index);
      unknown = outcome;
    }
    if (unknown === undefined) return;
    this.#parts.gate.away(unknown.error?.message ?? 'it is not known whether the store took a batch');
    this.#parts.runAgain({ batch, indexes: again });
  }

  /** The task was past its last moment, and its thread was ended for it. */
  #timeOut({ batch, ledger }: RunInFlight, index: number): void {
    this.#parts.tally.timedOut++;
    const allowed = formatDuration(Math.max(1, ledger.lastMomentMs(index) - ledger.startedAtMs(index)));
    const message = `the task did not end within ${allowed} (timeout and grace); its thread was ended`;
    const error: WireError = { name: 'RuntimeError', code: 'E_TASK_TIMEOUT', message };
    this.#parts.aftermath.follow(batch, { index, kind: 'timed-out', error });
  }

  #succeed(batch: Batch, from: number, count: number): void {
    this.#parts.tally.succeeded += count;
    batch.lane.settle(batch, from, count);
  }
}
