import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Ledger, type LedgerState, TAKEN_BACK } from '../../src/batch/ledger.ts';
import { type BatchOutcomes, type PackedOutcome, readOutcomes } from '../../src/batch/outcome-packer.ts';
import type { Executor, ExecutorListener } from '../../src/executor/executor.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { StoreWriterSpec } from '../../src/store/store.ts';
import { type BatchMessage, type BatchPlace, makeBatch } from '../support/make-batch.ts';

export interface ExecutorFixture {
  readonly tasks: URL | string;
  readonly store?: StoreWriterSpec;
}

/** Makes an executor that is not started. */
export type MakeExecutor = (fixture: ExecutorFixture, listener?: ExecutorListener) => Executor;

export const WELL_BEHAVED = taskFixture('well-behaved.ts');
export const DEADLINES = taskFixture('deadlines.ts');

export function taskFixture(file: string): URL {
  return new URL(`../fixtures/tasks/${file}`, import.meta.url);
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A batch, run; with what its ledger shows afterwards. */
export interface Ran extends BatchOutcomes {
  readonly states: readonly LedgerState[];
  readonly ledger: Ledger;
}

export interface RunOptions extends BatchPlace {
  readonly defaultTask?: string;
  /** Positions that are taken back before the executor sees the batch. */
  readonly except?: readonly number[];
}

/** A message of a task with a JSON body. */
export function call(type: string, payload: unknown = {}, id = ''): BatchMessage {
  const named = id === '' ? {} : { messageId: id };
  return { properties: { type, contentType: 'application/json', ...named }, body: JSON.stringify(payload) };
}

/** Runs messages as one batch. */
export async function runMessages(
  executor: Executor,
  messages: readonly BatchMessage[],
  options: RunOptions = {},
): Promise<Ran> {
  const ledger = Ledger.allocate(Math.max(1, messages.length));
  for (const index of options.except ?? []) ledger.set(index, TAKEN_BACK);
  const buffer = makeBatch(messages, options);
  const { byteLength } = buffer;
  const { defaultTask } = options;
  const answer = await executor.run({ buffer, ledger: ledger.shared, queue: 'calls', defaultTask });
  assert.equal(buffer.byteLength, 0, 'the buffer went to the executor');
  assert.ok(answer.byteLength >= byteLength, 'the answer is at least as large as the request');
  assert.notEqual(ledger.threadId, 0, 'the ledger says which thread had the batch');
  return { ...readOutcomes(answer), states: messages.map((_, index) => ledger.state(index)), ledger };
}

/** A started executor with a memory store, for the cases of one `describe`. */
export class ExecutorRig {
  readonly store: MemoryStore = new MemoryStore({ writeTimeoutMs: 500 });
  readonly lines: LogLine[] = [];
  readonly executor: Executor;

  /** Registers its own start and stop with the `describe` it is made in. */
  constructor(make: MakeExecutor, tasks = WELL_BEHAVED) {
    const logged = (level: string, message: string, fields: Readonly<Record<string, unknown>>): void => {
      this.lines.push({ level, message, fields });
    };
    this.executor = make({ tasks, store: this.store.writerSpec() }, { logged });
    // What a broker's connection does in a worker: timers of the runtime alone keep no process alive.
    let alive: NodeJS.Timeout | undefined;
    before(async () => {
      alive = setInterval(() => {}, 60_000);
      await this.store.start();
      await this.executor.start();
    });
    after(async () => {
      await this.executor.stop();
      await this.store.stop();
      clearInterval(alive);
    });
  }

  run(messages: readonly BatchMessage[], options?: RunOptions): Promise<Ran> {
    return runMessages(this.executor, messages, options);
  }

  /** The outcome of one call between two that succeed; undefined when it succeeded as well. */
  async outcomeOf(type: string, payload: unknown = {}): Promise<PackedOutcome | undefined> {
    const { others } = await this.run([call('nothing'), call(type, payload, `one-${type}`), call('nothing')]);
    assert.ok(others.every(({ index }) => index === 1));
    return others[0];
  }
}
