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
 * whose code was running. While tasks are begun one after another, the ledger says so: the main thread then takes back
 * what a long task keeps waiting. With the claim it gets its last moment, past which the main thread ends it from outside; an
 * async handler's signal is aborted before, at its timeout (timeout-watch.ts). A message that is too old to be started
 * ends as `expired` right after its claim (start-deadline.ts). Sync handlers run in a plain loop: no promise, no closure a message. Async ones go on beside
 * each other as far as their task's gate lets them, over all batches of the thread. The outcomes are packed over the
 * batch's own bytes, hence only when every handler that may hold a view of them has settled.
 */
import { BatchReader } from '../batch/batch-reader.ts';
import { Ledger, RUNNING, WAITING } from '../batch/ledger.ts';
import { packOutcomes } from '../batch/outcome-packer.ts';
import type { Codec } from '../codec/codec.ts';
import type { EffectWriter } from '../store/effect-writer.ts';
import { monotonicNow } from '../support/monotonic.ts';
import type { BatchTaskDefinition, SingleTaskDefinition } from '../task/define-task.ts';
import { BatchTaskContext, TaskContext } from '../task/task-context.ts';
import { BatchScope } from './batch-scope.ts';
import { BatchSettlement } from './batch-settlement.ts';
import type { BatchRequest } from './executor.ts';
import { Failure, failure } from './failure.ts';
import { HeapGauge } from './heap-gauge.ts';
import { interpretReturn, isThenable, rowsProblem } from './interpret-return.ts';
import { pickTask } from './pick-task.ts';
import { lateness } from './start-deadline.ts';
import type { LogSink } from './task-log.ts';
import type { TaskEntry, TaskTable } from './task-table.ts';
import { WatchedCall } from './timeout-watch.ts';

/** Every thread loads its own copy of this file, so this is one gauge a thread. */
const heap = new HeapGauge();

/** What all batches of one thread share. */
export interface RunEnvironment {
  readonly tasks: TaskTable;
  readonly codec: Codec;
  readonly effects: EffectWriter;
  readonly threadId: number;
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
  readonly #settlement: BatchSettlement;
  readonly #waiting = new Set<PendingTurn>();
  /** Calls and turns that have not settled. */
  #pending = 0;
  #whenSettled: (() => void) | undefined;
  #withoutId = 0;
  #handlerCalls = 0;

  constructor(request: BatchRequest, environment: RunEnvironment) {
    this.#request = request;
    this.#reader = new BatchReader(request.buffer, request.queue);
    this.#ledger = new Ledger(request.ledger);
    this.#environment = environment;
    const { tasks, log } = environment;
    const { queue, defaultTask } = request;
    this.#scope = new BatchScope({ reader: this.#reader, ledger: this.#ledger, tasks, queue, defaultTask, log });
    this.#settlement = new BatchSettlement(this.#ledger, this.#scope);
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
    const settlement = this.#settlement;
    if (settlement.hasEffects) await settlement.writeEffects(this.#environment.effects);
    this.#scope.close();
    this.#ledger.heapMiB = heap.usedMiB(performance.now());
    return packOutcomes(
      {
        count: settlement.count,
        others: settlement.others,
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
        this.#ledger.stampLastMoment(record, 0);
        if (this.#ledger.move(record, WAITING, RUNNING)) {
          this.#settlement.conclude({ index: record, kind: 'interrupted' });
        }
      }
      this.#close();
    }
    this.#waiting.clear();
  }

  #beginAll(): void {
    const { count } = this.#reader;
    const rows = new Map<TaskEntry, number[]>();
    this.#ledger.beginning = true;
    for (let record = 0; record < count; record++) {
      if (this.#ledger.state(record) !== WAITING) continue;
      this.#reader.moveTo(record);
      const entry = pickTask(this.#reader, this.#environment.tasks, this.#request);
      if (entry instanceof Failure) {
        this.#refuse(record, entry);
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
    this.#ledger.beginning = false;
  }

  /** Leaves the records to their task's gate. */
  #wait(entry: TaskEntry, records: readonly number[]): void {
    const turn: PendingTurn = { records };
    this.#waiting.add(turn);
    this.#pending++;
    entry.gate.wait({
      begin: () => {
        if (!this.#waiting.delete(turn)) return; // interrupted meanwhile
        this.#ledger.beginning = true;
        const goesOn = this.#begin(entry, records);
        this.#ledger.beginning = false;
        if (!goesOn) this.#close();
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
    if (!this.#claim(record, entry, this.#sinceOpened())) return false;
    let returned: unknown;
    try {
      const payload = this.#environment.codec.decode(this.#reader, definition.body);
      this.#handlerCalls++;
      returned = definition.handler(payload, new TaskContext(definition.name, this.#scope, record));
      if (returned === undefined) {
        this.#settlement.succeed(record);
        return false;
      }
      if (!isThenable(returned)) {
        this.#settlement.settle(record, interpretReturn(returned));
        return false;
      }
    } catch (thrown) {
      this.#settlement.reject(record, thrown);
      return false;
    }
    const call = this.#enter(entry, record);
    // One promise a message beside the handler's own.
    void Promise.resolve(returned).then(
      (value) => this.#fulfilled(call, record, value),
      (thrown: unknown) => {
        this.#settlement.reject(record, thrown);
        this.#leave(call);
      },
    );
    return true;
  }

  #callWithRows(entry: TaskEntry, definition: BatchTaskDefinition, records: readonly number[]): boolean {
    const claimed: number[] = [];
    const payloads: unknown[] = [];
    const atMs = this.#sinceOpened(); // one for all: they time out together
    for (const record of records) {
      this.#reader.moveTo(record);
      if (!this.#claim(record, entry, atMs)) continue;
      try {
        payloads.push(this.#environment.codec.decode(this.#reader, definition.body));
        claimed.push(record);
      } catch (thrown) {
        this.#settlement.reject(record, thrown);
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
      for (const record of claimed) this.#settlement.reject(record, thrown);
      return false;
    }
    const call = this.#enter(entry, claimed);
    void this.#awaitRows(definition, claimed, returned).finally(() => this.#leave(call));
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
        if (answer.status === 'fulfilled') {
          this.#settlement.settle(records[row] as number, interpretReturn(answer.value));
        } else this.#settlement.reject(records[row] as number, answer.reason);
      });
    } catch (thrown) {
      for (const record of records) this.#settlement.reject(record, thrown);
    }
  }

  #settleRows(definition: BatchTaskDefinition, records: readonly number[], rows: unknown): void {
    if (rows === undefined || rows === null) {
      for (const record of records) this.#settlement.succeed(record);
      return;
    }
    const problem = rowsProblem(definition.name, rows, records.length);
    records.forEach((record, row) =>
      this.#settlement.settle(record, problem ?? interpretReturn((rows as readonly unknown[])[row])),
    );
  }

  /** Begins the task for this thread, unless the main thread has taken it back or it is too old. The reader is at it. */
  #claim(record: number, { definition, lastMs }: TaskEntry, atMs: number): boolean {
    // Before the move: a task that is running must never show the last moment of an earlier run.
    this.#ledger.stampStart(record, atMs);
    this.#ledger.stampLastMoment(record, atMs + lastMs);
    if (!this.#ledger.move(record, WAITING, RUNNING)) return false;
    if (!this.#reader.hasId) this.#withoutId++;
    const { startWithinMs } = definition;
    if (startWithinMs === undefined && this.#reader.startByMs === 0) return true;
    return !this.#expire(record, startWithinMs);
  }

  /** True when the task's start deadline had passed: then that is its outcome. */
  #expire(record: number, startWithinMs: number | undefined): boolean {
    const late = lateness(this.#reader, startWithinMs, Date.now());
    if (late === undefined) return false;
    this.#settlement.conclude({ index: record, kind: 'expired', error: failure('E_TASK_EXPIRED', late).error });
    return true;
  }

  /** A message that no task of this thread is for. */
  #refuse(record: number, why: Failure): void {
    this.#ledger.stampStart(record, this.#sinceOpened());
    this.#ledger.stampLastMoment(record, 0);
    if (!this.#ledger.move(record, WAITING, RUNNING)) return;
    if (!this.#reader.hasId) this.#withoutId++;
    this.#settlement.fail(record, why);
  }

  /** The unit of the ledger's stamps. */
  #sinceOpened(): number {
    return monotonicNow() - this.#reader.openedMonotonicMs;
  }

  #enter(entry: TaskEntry, records: number | readonly number[]): AsyncCall {
    entry.gate.hold();
    const call = new AsyncCall(entry, this.#scope, records);
    entry.watch.add(call);
    return call;
  }

  /** An async handler has resolved. */
  #fulfilled(call: AsyncCall, record: number, value: unknown): void {
    try {
      this.#settlement.settle(record, interpretReturn(value));
    } catch (thrown) {
      this.#settlement.reject(record, thrown); // the value itself throws when it is looked at
    }
    this.#leave(call);
  }

  #leave(call: AsyncCall): void {
    call.entry.watch.delete(call);
    call.entry.gate.release();
    this.#close();
  }

  #close(): void {
    this.#pending--;
    if (this.#pending === 0) this.#whenSettled?.();
  }
}

/** A handler that goes on: its place at the gate, and whom its timeout concerns. */
class AsyncCall extends WatchedCall {
  readonly entry: TaskEntry;
  readonly scope: BatchScope;
  readonly records: number | readonly number[];

  constructor(entry: TaskEntry, scope: BatchScope, records: number | readonly number[]) {
    super(scope.begunAtMs(typeof records === 'number' ? records : (records[0] as number)));
    this.entry = entry;
    this.scope = scope;
    this.records = records;
  }

  timeOut(): void {
    const { records } = this;
    this.scope.timeOut(typeof records === 'number' ? [records] : records, this.entry.watch.timeoutMs);
  }
}
