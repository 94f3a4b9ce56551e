import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DONE, Ledger, OTHER, RUNNING, TAKEN_BACK, TIMED_OUT, WAITING } from '../../../src/batch/ledger.ts';
import { type BatchOutcomes, readOutcomes } from '../../../src/batch/outcome-packer.ts';
import { nativeCodec } from '../../../src/codec/native-codec.ts';
import { abortRuns, type RunEnvironment, runBatch } from '../../../src/executor/run-batch.ts';
import { TaskTable } from '../../../src/executor/task-table.ts';
import { EffectWriter } from '../../../src/store/effect-writer.ts';
import type { StoreDocument, StoreWriter } from '../../../src/store/store.ts';
import {
  defineBatchTask,
  defineTask,
  failed,
  insertOne,
  type TaskContext,
  type TaskDefinition,
} from '../../../src/task/index.ts';
import { collectTasks } from '../../../src/task/task-registry.ts';
import { makeBatch } from '../../support/make-batch.ts';

interface Step {
  readonly id: string;
  /** Turns of the event loop until it settles; 0 for sync tasks. */
  readonly turns: number;
  readonly end: 'nothing' | 'insert' | 'fail' | 'conflict';
}

/** Inserts into an array; the collection `conflicts` refuses everything. */
class ArrayWriter implements StoreWriter {
  readonly stored: unknown[] = [];

  async insertMany(collection: string, documents: readonly StoreDocument[]): ReturnType<StoreWriter['insertMany']> {
    if (collection === 'conflicts') return documents.map((_, index) => ({ index, kind: 'conflict', message: 'taken' }));
    this.stored.push(...documents.map((document) => document._id));
    return [];
  }

  async applyOnce(): ReturnType<StoreWriter['applyOnce']> {
    throw new Error('no task here updates anything');
  }

  async close(): Promise<void> {}
}

/** Ids of the steps that a handler was called for. */
let called: string[] = [];

function endOf({ id, end }: Step): unknown {
  called.push(id);
  if (end === 'fail') throw new Error('told to fail');
  return end === 'nothing' ? undefined : insertOne(end === 'insert' ? 'stored' : 'conflicts', {});
}

async function turns(step: Step): Promise<void> {
  for (let turn = 0; turn < step.turns; turn++) await new Promise(setImmediate);
}

const TIMEOUTS = { taskMs: 60_000, graceMs: 1_000 };

function environmentOf(tasks: Record<string, unknown>, writer: StoreWriter): RunEnvironment {
  return {
    tasks: new TaskTable(collectTasks(tasks, 'this test'), TIMEOUTS),
    codec: nativeCodec,
    effects: new EffectWriter(writer),
    threadId: 1,
    log: () => {},
    runs: new Set(),
  };
}

const TASKS = {
  sync: defineTask('sync', (step: Step) => endOf(step)),
  async: defineTask('async', { concurrency: 2 }, async (step: Step) => {
    await turns(step);
    return endOf(step);
  }),
  rows: defineBatchTask('rows', (steps: Step[]) =>
    steps.map((step) => {
      if (step.end !== 'fail') return endOf(step);
      called.push(step.id);
      return failed(new Error('told to fail'));
    }),
  ),
  rowsLater: defineBatchTask('rows-later', (steps: Step[]) =>
    steps.map(async (step) => {
      await turns(step);
      return endOf(step);
    }),
  ),
};

describe('runBatch', () => {
  it('settles every waiting task of interleaved batches exactly once, whatever is taken back meanwhile', async () => {
    const step = fc.record({
      type: fc.constantFrom('sync', 'async', 'rows', 'rows-later', 'unknown'),
      turns: fc.nat(3),
      end: fc.constantFrom<Step['end'][]>('nothing', 'insert', 'fail', 'conflict'),
      /** Turn at which the main thread tries to take it back; never above 3. */
      takenBackAt: fc.nat(6),
    });
    const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(batches, async (steps) => {
        called = [];
        const writer = new ArrayWriter();
        const environment = environmentOf(TASKS, writer);
        const ledgers = steps.map((batch) => Ledger.allocate(batch.length));
        const messages = steps.map((batch, b) =>
          batch.map((each, n) => ({
            properties: { type: each.type, messageId: `${b}-${n}` },
            body: JSON.stringify({ ...each, id: `${b}-${n}` }),
          })),
        );
        const takeBack = (turn: number): void =>
          steps.forEach((batch, b) =>
            batch.forEach((each, n) => each.takenBackAt === turn && ledgers[b]?.move(n, WAITING, TAKEN_BACK)),
          );
        takeBack(0);
        const running = messages.map((batch, b) =>
          runBatch(
            { buffer: makeBatch(batch), ledger: (ledgers[b] as Ledger).shared, queue: 'q', defaultTask: undefined },
            environment,
          ),
        );
        for (let turn = 1; turn <= 3; turn++) {
          await new Promise(setImmediate);
          takeBack(turn);
        }
        const answers = (await Promise.all(running)).map(readOutcomes);

        const expectedIds: string[] = [];
        const expectedCalls: string[] = [];
        steps.forEach((batch, b) => {
          const { others, count } = answers[b] as (typeof answers)[number];
          const state = (n: number): number => (ledgers[b] as Ledger).state(n);
          const ran = batch.map((_, n) => n).filter((n) => state(n) !== TAKEN_BACK);
          const bad = ran.filter(
            (n) => ['fail', 'conflict'].includes(batch[n]?.end ?? '') || batch[n]?.type === 'unknown',
          );
          assert.equal(count, ran.length);
          assert.deepEqual(
            others.map(({ index }) => index),
            bad,
          );
          for (const n of ran) if (batch[n]?.type !== 'unknown') expectedCalls.push(`${b}-${n}`);
          for (const n of ran) assert.equal(state(n), bad.includes(n) ? OTHER : DONE);
          for (const n of ran) if (!bad.includes(n) && batch[n]?.end === 'insert') expectedIds.push(`${b}-${n}`);
        });
        assert.equal(writer.stored.length, expectedIds.length);
        assert.deepEqual(new Set(writer.stored), new Set(expectedIds));
        assert.equal(called.length, expectedCalls.length);
        assert.deepEqual(new Set(called), new Set(expectedCalls));
        assert.equal(environment.runs.size, 0);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps what a context has said, and refuses new questions once the batch has ended', async () => {
    let kept: TaskContext | undefined;
    const task = defineTask('keeping', (_payload, context) => {
      kept = context;
      assert.equal(context.id, 'kept');
    });
    const environment = environmentOf({ task }, new ArrayWriter());
    const buffer = makeBatch([{ properties: { type: 'keeping', messageId: 'kept' }, body: '1' }]);
    const answer = await runBatch(
      { buffer, ledger: Ledger.allocate(1).shared, queue: 'q', defaultTask: undefined },
      environment,
    );
    assert.deepEqual(readOutcomes(answer).others, []);
    assert.equal(kept?.id, 'kept');
    assert.throws(() => kept?.headers, { code: 'E_STATE' });
  });

  it('interrupts at once what waits for a turn that may never come', async () => {
    const stuck = defineTask('stuck', (_payload, context) => {
      context.signal.addEventListener('abort', () => finish?.());
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    let finish: (() => void) | undefined;
    const environment = environmentOf({ stuck }, new ArrayWriter());
    const ledger = Ledger.allocate(3);
    const message = { properties: { type: 'stuck' }, body: '1' };
    const running = runBatch(
      { buffer: makeBatch([message, message, message]), ledger: ledger.shared, queue: 'q', defaultTask: undefined },
      environment,
    );
    abortRuns(environment);
    assert.deepEqual([ledger.state(1), ledger.state(2)], [OTHER, OTHER]);
    const { others, handlerCalls } = readOutcomes(await running);
    assert.equal(handlerCalls, 1, 'nothing begins after the abort');
    assert.deepEqual(
      others.map(({ index, kind }) => [index, kind]),
      [
        [1, 'interrupted'],
        [2, 'interrupted'],
      ],
    );
  });

  it('drops the late result of a task that the main thread has timed out', async () => {
    let finish: ((value: unknown) => void) | undefined;
    const slow = defineTask('slow', { concurrency: 2 }, (payload) =>
      payload === 1 ? new Promise((resolve) => (finish = resolve)) : insertOne('stored', {}),
    );
    const writer = new ArrayWriter();
    const ledger = Ledger.allocate(2);
    const messages = [1, 2].map((n) => ({ properties: { type: 'slow', messageId: `m-${n}` }, body: String(n) }));
    const running = runBatch(
      { buffer: makeBatch(messages), ledger: ledger.shared, queue: 'q', defaultTask: undefined },
      environmentOf({ slow }, writer),
    );
    assert.ok(ledger.move(0, RUNNING, TIMED_OUT));
    finish?.(insertOne('stored', {}));
    const { others, count } = readOutcomes(await running);
    assert.deepEqual(others, []);
    assert.equal(count, 1, 'only what this run has settled');
    assert.deepEqual([ledger.state(0), ledger.state(1)], [TIMED_OUT, DONE]);
    assert.deepEqual(writer.stored, ['m-2']);
  });

  it('counts the time of a task from its turn on, and its start deadline as well', async () => {
    let begun = 0;
    const queued = defineTask('queued', { timeout: 40, grace: 5 }, (_payload, context) => {
      begun++;
      return new Promise((_resolve, reject) =>
        context.signal.addEventListener('abort', () => reject(context.signal.reason)),
      );
    });
    const ledger = Ledger.allocate(3);
    const late = { type: 'queued', headers: { 'x-start-by': Date.now() + 30 } };
    const alive = setInterval(() => {}, 60_000); // the runtime's own timers keep no process alive
    const answer = await runBatch(
      {
        buffer: makeBatch([
          { properties: { type: 'queued' }, body: '1' },
          { properties: { type: 'queued' }, body: '2' },
          { properties: late, body: '3' },
        ]),
        ledger: ledger.shared,
        queue: 'q',
        defaultTask: undefined,
      },
      environmentOf({ queued }, new ArrayWriter()),
    );
    clearInterval(alive);
    assert.deepEqual(
      readOutcomes(answer).others.map(({ index, kind }) => [index, kind]),
      [
        [0, 'timed-out'],
        [1, 'timed-out'],
        [2, 'expired'],
      ],
    );
    assert.equal(begun, 2);
    assert.ok(ledger.startedAtMs(1) >= ledger.startedAtMs(0) + 40, 'it began when the first had ended');
    assert.equal(ledger.lastMomentMs(1) - ledger.startedAtMs(1), 45);
  });

  it('never aborts the signal of a task that has ended in time', async () => {
    const signals: AbortSignal[] = [];
    const timed = defineTask('timed', { timeout: 20, concurrency: 2 }, async (payload, { signal }) => {
      signals.push(signal);
      if (payload === 2) await aborted(signal);
    });
    await runAll({ timed }, ['1', '2']);
    assert.deepEqual(
      signals.map((signal) => signal.aborted),
      [false, true],
    );
  });

  it('calls a task timed out or interrupted by what came first', async () => {
    const release: (() => void)[] = [];
    const signals: AbortSignal[] = [];
    const stubborn = defineTask('stubborn', { timeout: 20, concurrency: 2 }, async (payload, { signal }) => {
      signals.push(signal);
      await new Promise<void>((resolve) => release.push(resolve));
      throw new Error(`told to end, ${String(payload)}`);
    });
    const environment = environmentOf({ stubborn }, new ArrayWriter());
    const first = runAll({ stubborn }, ['1'], environment);
    await aborted(signals[0] as AbortSignal);
    const second = runAll({ stubborn }, ['2'], environment);
    abortRuns(environment);
    const third = runAll(
      { stubborn: defineTask('stubborn', { timeout: 20 }, (_payload: unknown, { signal }) => aborted(signal)) },
      ['3'],
    );
    await third; // begun after the second, with the same timeout
    for (const end of release) end();
    assert.deepEqual(
      [...(await first).others, ...(await second).others].map(({ kind }) => kind),
      ['timed-out', 'interrupted'],
    );
  });
});

/** Runs a message for each body, all of them for the one task. */
async function runAll(
  tasks: Record<string, TaskDefinition>,
  bodies: readonly string[],
  environment = environmentOf(tasks, new ArrayWriter()),
): Promise<BatchOutcomes> {
  const type = Object.keys(tasks)[0] as string;
  const buffer = makeBatch(bodies.map((body) => ({ properties: { type }, body })));
  const alive = setInterval(() => {}, 60_000); // the runtime's own timers keep no process alive
  try {
    const ledger = Ledger.allocate(bodies.length).shared;
    return readOutcomes(await runBatch({ buffer, ledger, queue: 'q', defaultTask: undefined }, environment));
  } finally {
    clearInterval(alive);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
}
