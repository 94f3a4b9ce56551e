/**
 * Runs one batch in the thread that has it; both executors use it. What happens to each task whose ledger entry is
 * `waiting`:
 *
 *     claim (waiting → running) ─▶ decode ─▶ handler ─┬▶ nothing to write ─▶ done
 *                                                     ├▶ failed ─▶ other
 *                                                     └▶ effects ─▶ writing ─ when all handlers have settled, one
 *                                                                             bulk write for the batch ─▶ done, other
 *
 * A task leaves `running` the moment its handler has settled, so that the death of the thread is charged only to tasks
 * whose code was running. Sync handlers run in a plain loop: no promise, no closure a message. Async ones go on beside
 * each other as far as their task's gate lets them, over all batches of the thread. The outcomes are packed over the
 * batch's own bytes, hence only when every handler that may hold a view of them has settled.
 */
import { BatchReader } from '../batch/batch-reader.ts';
import { DONE, Ledger, OTHER, RUNNING, WAITING, WRITING } from '../batch/ledger.ts';
import { type OutcomeKind, type PackedOutcome, packOutcomes } from '../batch/outcome-packer.ts';
import type { Codec } from '../codec/codec.ts';
import type { WireError } from '../errors/wire-error.ts';
import type { CollectedEffect, EffectWriter } from '../store/effect-writer.ts';
import { monotonicNow } from '../support/monotonic.ts';
import type { BatchTaskDefinition, SingleTaskDefinition } from '../task/define-task.ts';
import { BatchTaskContext, TaskContext } from '../task/task-context.ts';
import { BatchScope } from './batch-scope.ts';
import type { BatchRequest } from './executor.ts';
import { Failure, failureOf } from './failure.ts';
import { interpretReturn, isThenable, rowsProblem, type Verdict } from './interpret-return.ts';
import { pickTask } from './pick-task.ts';
import type { LogSink } from './task-log.ts';
import type { TaskEntry, TaskTable, TaskTimeouts } from './task-table.ts';

/** What all batches of one thread share. */
export interface RunEnvironment {
  readonly tasks: TaskTable;
  readonly codec: Codec;
  readonly effects: EffectWriter;
  readonly threadId: number;
  /** For tasks whose definition says nothing of it. */
  readonly timeouts: TaskTimeouts;
  readonly log: LogSink;
  /** Batches that are running now; `abortRuns` ends them early. */
  readonly runs: Set<{ abort(): void }>;
}

/** Runs the batch; resolves with its outcomes. Rejects only for a buffer that holds no batch. */
export async function runBatch(request: BatchRequest, environment: RunEnvironment): Promise<ArrayBuffer> {
  const run = new BatchRun(request, environment);
  environment.runs.add(run);
  try {
    return await run.finish();
  } finally {
    environment.runs.delete(run);
  }
}

/** Aborts the signals of all tasks that are running; those that wait for their turn are `interrupted` at once. */
export function abortRuns(environment: RunEnvironment): void {
  for (const run of environment.runs) run.abort();
}

/** Tasks that wait together for their task's gate: one message, or the rows of a batch task. */
interface PendingTurn {
  readonly records: readonly number[];
}

class BatchRun {
  readonly #request: BatchRequest;
  readonly #reader: BatchReader;
  readonly #ledger: Ledger;
  readonly #environment: RunEnvironment;
  readonly #scope: BatchScope;
  readonly #others: PackedOutcome[] = [];
  readonly #effects: CollectedEffect[] = [];
  readonly #waiting = new Set<PendingTurn>();
  /** Calls and turns that have not settled. */
  #pending = 0;
  #whenSettled: (() => void) | undefined;
  #settled = 0;
  #withoutId = 0;
  #handlerCalls = 0;

  constructor(request: BatchRequest, environment: RunEnvironment) {
    this.#request = request;
    this.#reader = new BatchReader(request.buffer, request.queue);
    this.#ledger = new Ledger(request.ledger);
    this.#environment = environment;
    this.#scope = new BatchScope(this.#reader, request.queue, environment.log);
  }

  async finish(): Promise<ArrayBuffer> {
    this.#ledger.threadId = this.#environment.threadId;
    const begunAt = performance.now();
    this.#beginAll();
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#whenSettled = resolve;
      });
    }
    // Wall time: for async handlers it includes their waiting, which occupies the thread's slot just as well.
    const busyMs = performance.now() - begunAt;
    if (this.#effects.length > 0) await this.#writeEffects();
    this.#scope.close();
    return packOutcomes(
      {
        count: this.#settled,
        others: this.#others.sort((a, b) => a.index - b.index),
        busyMs,
        withoutId: this.#withoutId,
        handlerCalls: this.#handlerCalls,
      },
      this.#request.buffer,
    );
  }

  abort(): void {
    this.#scope.abort();
    for (const turn of this.#waiting) {
      for (const record of turn.records) {
        if (this.#ledger.move(record, WAITING, RUNNING)) this.#conclude(record, 'interrupted', undefined);
      }
      this.#close();
    }
    this.#waiting.clear();
  }

  #beginAll(): void {
    const { count } = this.#reader;
    const rows = new Map<TaskEntry, number[]>();
    for (let record = 0; record < count; record++) {
      if (this.#ledger.state(record) !== WAITING) continue;
      this.#reader.moveTo(record);
      const entry = pickTask(this.#reader, this.#environment.tasks, this.#request);
      if (entry instanceof Failure) {
        if (this.#claim(record)) this.#fail(record, entry.error);
      } else if (entry.definition.kind === 'batch') {
        const group = rows.get(entry);
        if (group === undefined) rows.set(entry, [record]);
        else group.push(record);
      } else if (!entry.gate.open) {
        this.#wait(entry, [record]);
      } else if (this.#call(entry, entry.definition, record)) {
        this.#pending++;
      }
    }
    for (const [entry, records] of rows) {
      if (!entry.gate.open) this.#wait(entry, records);
      else if (this.#begin(entry, records)) this.#pending++;
    }
  }

  /** Leaves the records to their task's gate. */
  #wait(entry: TaskEntry, records: readonly number[]): void {
    const turn: PendingTurn = { records };
    this.#waiting.add(turn);
    this.#pending++;
    entry.gate.wait({
      begin: () => {
        if (!this.#waiting.delete(turn)) return; // interrupted meanwhile
        if (!this.#begin(entry, records)) this.#close();
      },
    });
  }

  /** True when it goes on asynchronously: it then holds the gate and closes itself. */
  #begin(entry: TaskEntry, records: readonly number[]): boolean {
    const { definition } = entry;
    if (definition.kind === 'batch') return this.#callWithRows(entry, definition, records);
    const record = records[0] as number;
    this.#reader.moveTo(record);
    return this.#call(entry, definition, record);
  }

  /** The reader is at the record. */
  #call(entry: TaskEntry, definition: SingleTaskDefinition, record: number): boolean {
    if (!this.#claim(record)) return false;
    let returned: unknown;
    try {
      const payload = this.#environment.codec.decode(this.#reader, definition.body);
      this.#handlerCalls++;
      returned = definition.handler(payload, new TaskContext(definition.name, this.#scope, record));
      if (returned === undefined) {
        this.#succeed(record);
        return false;
      }
      if (!isThenable(returned)) {
        this.#settle(record, interpretReturn(returned));
        return false;
      }
    } catch (thrown) {
      this.#reject(record, thrown);
      return false;
    }
    entry.gate.hold();
    // One promise a message beside the handler's own.
    void Promise.resolve(returned).then(
      (value) => this.#fulfilled(entry, record, value),
      (thrown: unknown) => {
        this.#reject(record, thrown);
        this.#leave(entry);
      },
    );
    return true;
  }

  #callWithRows(entry: TaskEntry, definition: BatchTaskDefinition, records: readonly number[]): boolean {
    const claimed: number[] = [];
    const payloads: unknown[] = [];
    for (const record of records) {
      if (!this.#claimAt(record)) continue;
      try {
        payloads.push(this.#environment.codec.decode(this.#reader, definition.body));
        claimed.push(record);
      } catch (thrown) {
        this.#reject(record, thrown);
      }
    }
    if (claimed.length === 0) return false;
    let returned: unknown;
    try {
      this.#handlerCalls++;
      returned = definition.handler(payloads, new BatchTaskContext(definition.name, this.#scope, claimed));
      if (!isThenable(returned) && !(Array.isArray(returned) && returned.some(isThenable))) {
        this.#settleRows(definition, claimed, returned);
        return false;
      }
    } catch (thrown) {
      for (const record of claimed) this.#reject(record, thrown);
      return false;
    }
    entry.gate.hold();
    void this.#awaitRows(definition, claimed, returned).finally(() => this.#leave(entry));
    return true;
  }

  /** Waits for the array and for the promises in it. Never rejects. */
  async #awaitRows(definition: BatchTaskDefinition, records: readonly number[], returned: unknown): Promise<void> {
    try {
      const rows: unknown = await returned;
      if (!Array.isArray(rows) || !rows.some(isThenable)) return this.#settleRows(definition, records, rows);
      const problem = rowsProblem(definition.name, rows, records.length);
      const answers = await Promise.allSettled(rows);
      if (problem !== undefined) return this.#settleRows(definition, records, rows);
      answers.forEach((answer, row) => {
        if (answer.status === 'fulfilled') this.#settle(records[row] as number, interpretReturn(answer.value));
        else this.#reject(records[row] as number, answer.reason);
      });
    } catch (thrown) {
      for (const record of records) this.#reject(record, thrown);
    }
  }

  #settleRows(definition: BatchTaskDefinition, records: readonly number[], rows: unknown): void {
    if (rows === undefined || rows === null) {
      for (const record of records) this.#succeed(record);
      return;
    }
    const problem = rowsProblem(definition.name, rows, records.length);
    records.forEach((record, row) =>
      this.#settle(record, problem ?? interpretReturn((rows as readonly unknown[])[row])),
    );
  }

  #claimAt(record: number): boolean {
    this.#reader.moveTo(record);
    return this.#claim(record);
  }

  /** Takes the task for this thread, unless the main thread has taken it back. The reader is at the record. */
  #claim(record: number): boolean {
    if (!this.#ledger.move(record, WAITING, RUNNING)) return false;
    this.#ledger.stampStart(record, monotonicNow() - this.#reader.openedMonotonicMs);
    if (!this.#reader.hasId) this.#withoutId++;
    return true;
  }

  #settle(record: number, verdict: Verdict): void {
    if (verdict instanceof Failure) return this.#fail(record, verdict.error);
    if (verdict.length === 0) return this.#succeed(record);
    // False when the outcome was decided elsewhere: then nothing may be written.
    if (!this.#ledger.move(record, RUNNING, WRITING)) return;
    this.#settled++;
    this.#effects.push({ index: record, taskId: this.#scope.messageId(record), effects: verdict });
  }

  #succeed(record: number): void {
    if (this.#ledger.move(record, RUNNING, DONE)) this.#settled++;
  }

  /** An async handler has resolved. */
  #fulfilled(entry: TaskEntry, record: number, value: unknown): void {
    try {
      this.#settle(record, interpretReturn(value));
    } catch (thrown) {
      this.#reject(record, thrown); // the value itself throws when it is looked at
    }
    this.#leave(entry);
  }

  /** A handler threw. After an abort that is what was asked of it, and no failure. */
  #reject(record: number, thrown: unknown): void {
    if (this.#scope.aborted) this.#conclude(record, 'interrupted', undefined);
    else this.#fail(record, failureOf(thrown).error);
  }

  #fail(record: number, error: WireError): void {
    this.#conclude(record, 'failed', error);
  }

  #conclude(record: number, kind: OutcomeKind, error: WireError | undefined): void {
    if (!this.#ledger.move(record, RUNNING, OTHER)) return;
    this.#settled++;
    this.#others.push(error === undefined ? { index: record, kind } : { index: record, kind, error });
  }

  #leave(entry: TaskEntry): void {
    entry.gate.release();
    this.#close();
  }

  #close(): void {
    this.#pending--;
    if (this.#pending === 0) this.#whenSettled?.();
  }

  async #writeEffects(): Promise<void> {
    const problems = await this.#environment.effects.write(this.#effects.sort((a, b) => a.index - b.index));
    for (const { index, kind, error } of problems) {
      if (this.#ledger.move(index, WRITING, OTHER)) this.#others.push({ index, kind, error });
    }
    for (const { index } of this.#effects) this.#ledger.move(index, WRITING, DONE);
  }
}
