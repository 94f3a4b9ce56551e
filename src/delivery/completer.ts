import type { BatchOutcomes, PackedOutcome } from '../batch/outcome-packer.ts';
import type { WireError } from '../errors/wire-error.ts';
import { type Batch, positionsOf, type Run, type RunInFlight } from './batch.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { DeliveryTally } from './delivery-tally.ts';
import { routeOutcome } from './outcome-router.ts';
import { judge } from './quarantine.ts';
import type { StoreGate } from './store-gate.ts';

export interface CompleterParts {
  readonly deadLetters: DeadLetters;
  readonly gate: StoreGate;
  readonly tally: DeliveryTally;
  readonly maxDeaths: number;
  /** Some tasks of a batch have to run again. */
  readonly runAgain: (run: Run) => void;
  /** Something that was waited for outside a run has settled. */
  readonly settled: () => void;
}

/**
 * Holds the guarantee:
 *
 *     A delivery is acknowledged only after its outcome is stored and its follow-up (retry, dead letter, next step of
 *     a workflow) is confirmed by the broker.
 *
 * A run's answer comes from the thread after its effects were stored, so what succeeded is settled at once. For
 * everything else outcome-router.ts says what follows, and the ack is owed only when that has happened.
 *
 * Synchronous for a batch in which all succeeded; one promise for each dead letter.
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
    batch.lane.sizer.learn(outcomes.count, outcomes.busyMs);
    if (outcomes.others.length === 0 && run.indexes === undefined && run.takenBack === 0) {
      this.#succeed(batch, 0, batch.count);
      this.#parts.gate.stored();
      return;
    }
    this.#completeMixed(run, outcomes.others);
  }

  /** A run's thread ended first; its ledger says how far it had come. */
  died(run: RunInFlight, runningInThread: number, error: WireError): void {
    const { batch } = run;
    const verdict = judge(run, runningInThread);
    for (const index of verdict.done) this.#succeed(batch, index, 1);
    if (verdict.again.length > 0) this.#parts.runAgain({ batch, indexes: verdict.again });
    for (const suspect of verdict.suspects) this.#parts.runAgain({ batch, indexes: [suspect], alone: true });
    if (verdict.culprit !== undefined) this.#charge(run, verdict.culprit, error);
  }

  /** The death was this task's attempt. */
  #charge({ batch, alone = false }: Run, index: number, error: WireError): void {
    const deaths = batch.slab.countRerun(batch.fromRecord + index);
    if (deaths < this.#parts.maxDeaths) {
      this.#parts.runAgain({ batch, indexes: [index], alone });
      return;
    }
    this.#parts.tally.failed++;
    const message = `the thread died ${deaths} times while it ran this task: ${error.message}`;
    this.#deadLetter(
      batch,
      { index, kind: 'crashed', error: { ...error, code: 'E_TASK_CRASHED', message } },
      deaths - 1,
    );
  }

  #completeMixed(run: RunInFlight, others: readonly PackedOutcome[]): void {
    const { batch, ledger } = run;
    const again: number[] = [];
    let unknown: PackedOutcome | undefined;
    let next = 0;
    for (const index of positionsOf(run)) {
      if (ledger.isTakenBack(index)) continue;
      if (others[next]?.index !== index) {
        this.#succeed(batch, index, 1);
        continue;
      }
      const outcome = others[next++] as PackedOutcome;
      if (routeOutcome(outcome.kind) === 'run-again') {
        again.push(index);
        unknown = outcome;
      } else this.#follow(batch, outcome);
    }
    if (unknown === undefined) return;
    this.#parts.gate.away(unknown.error?.message ?? 'it is not known whether the store took a batch');
    this.#parts.runAgain({ batch, indexes: again });
  }

  #follow(batch: Batch, outcome: PackedOutcome): void {
    const route = routeOutcome(outcome.kind);
    if (route !== 'give-back') this.#parts.tally.failed++;
    if (route === 'settle') batch.lane.settle(batch, outcome.index, 1);
    else if (route === 'give-back') batch.lane.giveBack(batch, outcome.index);
    else this.#deadLetter(batch, outcome, undefined);
  }

  #succeed(batch: Batch, from: number, count: number): void {
    this.#parts.tally.succeeded += count;
    batch.lane.settle(batch, from, count);
  }

  /** @param reruns - attempts counted before this one; undefined: what the record says */
  #deadLetter(batch: Batch, outcome: PackedOutcome, reruns: number | undefined): void {
    if (!batch.lane.isLive(batch)) {
      // the broker delivers it again, and that delivery will be dead-lettered
      batch.lane.settle(batch, outcome.index, 1);
      return;
    }
    const record = batch.slab.record(batch.fromRecord + outcome.index);
    const letter = {
      queue: batch.lane.queue.name,
      properties: record.properties,
      body: record.body,
      reruns: reruns ?? record.reruns,
      outcome: outcome.kind,
      error: outcome.error ?? { name: 'RuntimeError', code: 'E_TASK_FAILED', message: outcome.reason ?? outcome.kind },
    };
    void this.#parts.deadLetters.send(letter).then((confirmed) => {
      if (!confirmed) return; // stopping: the message stays unacked with the broker
      this.#parts.tally.deadLettered++;
      batch.lane.settle(batch, outcome.index, 1);
      this.#parts.settled();
    });
  }
}
