import { DONE, type Ledger, OTHER, RUNNING, WRITING } from '../batch/ledger.ts';
import type { PackedOutcome } from '../batch/outcome-packer.ts';
import type { WireError } from '../errors/wire-error.ts';
import type { CollectedEffect, EffectWriter } from '../store/effect-writer.ts';
import { monotonicNow } from '../support/monotonic.ts';
import type { BatchScope } from './batch-scope.ts';
import { cutReason, Failure } from './failure.ts';
import { interpretThrown, type Verdict } from './interpret-return.ts';
import { timeoutText } from './timeout-watch.ts';

/**
 * What has become of the tasks of one batch: moves them on in the ledger, and collects what there is to write and every
 * outcome but success. A task that the ledger shows as decided elsewhere, e.g. as timed out by the main thread, is left
 * alone: nothing of its late result is kept.
 *
 * Cost: a compare-and-exchange for a task that succeeds and writes nothing.
 */
export class BatchSettlement {
  readonly #ledger: Ledger;
  readonly #scope: BatchScope;
  readonly #others: PackedOutcome[] = [];
  readonly #effects: CollectedEffect[] = [];
  #count = 0;

  constructor(ledger: Ledger, scope: BatchScope) {
    this.#ledger = ledger;
    this.#scope = scope;
  }

  /** Tasks that were settled here. */
  get count(): number {
    return this.#count;
  }

  /** By ascending index. */
  get others(): readonly PackedOutcome[] {
    return this.#others.sort((a, b) => a.index - b.index);
  }

  /** A handler returned, and this is what its value means. */
  settle(record: number, verdict: Verdict): void {
    if (verdict instanceof Failure) return this.fail(record, verdict);
    if ('kind' in verdict) {
      const { kind } = verdict;
      return this.conclude(
        kind === 'snoozed'
          ? { index: record, kind, delayMs: verdict.delayMs }
          : { index: record, kind, reason: cutReason(verdict.reason) },
      );
    }
    if (verdict.length === 0) return this.succeed(record);
    // False when the outcome was decided elsewhere: then nothing may be written.
    if (!this.#ledger.move(record, RUNNING, WRITING)) return;
    this.#count++;
    const scope = this.#scope;
    const [task, taskId] = [scope.taskName(record), scope.messageId(record)];
    this.#effects.push({ index: record, task, taskId, effects: verdict });
  }

  succeed(record: number): void {
    if (this.#ledger.move(record, RUNNING, DONE)) this.#count++;
  }

  /** A handler threw. After an abort that is what was asked of it, and no failure. */
  reject(record: number, thrown: unknown): void {
    const verdict = interpretThrown(thrown);
    const interrupted = this.#scope.aborted && this.#scope.timeoutOf(record) === undefined;
    if (interrupted && verdict instanceof Failure) this.conclude({ index: record, kind: 'interrupted' });
    else this.settle(record, verdict);
  }

  /** After its timeout, whatever a task fails with, it is the timeout that it failed by. */
  fail(record: number, { error, delayMs }: Failure): void {
    const timeoutMs = this.#scope.timeoutOf(record);
    const delay = delayMs === undefined ? {} : { delayMs };
    if (timeoutMs === undefined) this.conclude({ index: record, kind: 'failed', error, ...delay });
    else
      this.conclude({
        index: record,
        kind: 'timed-out',
        error: this.#timeoutError(record, timeoutMs, error),
        ...delay,
      });
  }

  conclude(outcome: PackedOutcome): void {
    if (!this.#ledger.move(outcome.index, RUNNING, OTHER)) return;
    this.#count++;
    this.#others.push(outcome);
  }

  /** Writes the effects of all tasks that returned some. Never rejects. */
  async writeEffects(writer: EffectWriter): Promise<void> {
    const problems = await writer.write(this.#effects.sort((a, b) => a.index - b.index));
    for (const { index, kind, error } of problems) {
      if (this.#ledger.move(index, WRITING, OTHER)) this.#others.push({ index, kind, error });
    }
    for (const { index } of this.#effects) this.#ledger.move(index, WRITING, DONE);
  }

  get hasEffects(): boolean {
    return this.#effects.length > 0;
  }

  #timeoutError(record: number, timeoutMs: number, error: WireError): WireError {
    const ranMs = monotonicNow() - this.#scope.begunAtMs(record);
    const wire: WireError = { name: 'RuntimeError', code: 'E_TASK_TIMEOUT', message: timeoutText(ranMs, timeoutMs) };
    // What a signal-aware API throws when its signal is aborted says nothing that the timeout does not.
    return error.code === wire.code || error.name === 'AbortError' ? wire : { ...wire, cause: error };
  }
}
