import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setEnvironmentData } from 'node:worker_threads';
import fc from 'fast-check';
import { DONE, Ledger, TAKEN_BACK, WAITING } from '../../src/batch/ledger.ts';
import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts';
import { queueTopology } from '../../src/broker/topology.ts';
import { createPipeline, type Pipeline } from '../../src/delivery/pipeline.ts';
import { ThreadExecutor } from '../../src/executor/thread/thread-executor.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { SILENT_LOGGER } from '../../src/telemetry/logger.ts';
import { deliveryOptions, queueOptions } from '../support/delivery-options.ts';
import { makeBatch } from '../support/make-batch.ts';
import { until } from '../support/until.ts';
import { call, runMessages, taskFixture } from './executor-rig.ts';

const QUEUE = 'work';
const GATE = 0;
const MOST = 1_000;
const words = new Int32Array(new SharedArrayBuffer((1 + MOST) * 4));
setEnvironmentData('millrace.test.neighbours', words.buffer);

function openGate(): void {
  Atomics.store(words, GATE, 1);
  Atomics.notify(words, GATE);
}

function callsOf(messages: number): number[] {
  return Array.from(words.subarray(1, 1 + messages));
}

beforeEach(() => words.fill(0));

describe('short tasks beside a long one', { timeout: 60_000 }, () => {
  const store = new MemoryStore();
  let executor: ThreadExecutor;
  let broker: MemoryBroker;
  let pipeline: Pipeline;
  before(async () => {
    await store.start();
    executor = new ThreadExecutor({
      tasks: taskFixture('neighbours.ts'),
      threads: 2,
      store: store.writerSpec(),
    });
    await executor.start();
  });
  after(async () => {
    await executor.stop();
    await store.stop();
  });

  async function start(tasks: readonly string[]): Promise<void> {
    broker = new MemoryBroker();
    await broker.start();
    await broker.declare(queueTopology(QUEUE, 'quorum'));
    const publisher = await broker.publisher({ window: MOST });
    const parts = { broker, executor, publisher, store, logger: SILENT_LOGGER, fatal: assert.fail };
    const batch = { target: 8, maxBytes: 1 << 18, maxAgeMs: 1 };
    pipeline = createPipeline(parts, deliveryOptions([queueOptions(QUEUE, { prefetch: 500 })], { batch }));
    const sends = tasks.map((type, n) =>
      publisher.publish({
        exchange: '',
        routingKey: QUEUE,
        properties: { type, messageId: `m${n}`, contentType: 'application/json', deliveryMode: 2 },
        body: Buffer.from(JSON.stringify({ n })),
      }),
    );
    await Promise.all(sends);
    await pipeline.start();
  }

  async function end(messages: number): Promise<void> {
    openGate();
    await until('all are acked', () => pipeline.counters().acked === messages);
    assert.deepEqual(
      callsOf(messages),
      Array.from({ length: messages }, () => 1),
      'each ran once',
    );
    assert.equal(pipeline.counters().succeeded, messages);
    assert.equal(pipeline.counters().messagesHeld, 0);
    assert.equal(await pipeline.drain(1_000), 0);
    await pipeline.stop();
    assert.equal(await broker.readyCount(QUEUE), 0);
    await broker.stop();
  }

  const cases: readonly [what: string, short: string, blocking: string, kept: number][] = [
    ['plain tasks', 'short', 'blocking', 1],
    // the first one of the batch has returned its promise, and its thread cannot see to it
    ['async tasks beside a plain one', 'short-async', 'blocking', 2],
    ['async tasks at the gate of the one that blocks', 'third-blocking', 'third-blocking', 1],
  ];
  for (const [what, short, blocking, kept] of cases) {
    test(`${what} are done and acked while one blocks its thread`, async () => {
      await start(Array.from({ length: 60 }, (_, n) => (n === 3 ? blocking : short)));
      await until('all others are acked', () => pipeline.counters().acked === 60 - kept);
      assert.ok(pipeline.counters().takenBack > 0);
      await end(60);
    });
  }

  test('what is taken back runs in the other thread, also with effects, and each document is there once', async () => {
    await start(Array.from({ length: 60 }, (_, n) => (n === 0 ? 'blocking' : 'storing')));
    await until('all others are acked', () => pipeline.counters().acked === 59);
    await end(60);
    for (let n = 1; n < 60; n++) assert.ok(store.find('seen', `m${n}`), `m${n}`);
  });

  test('where every thread is held up the others wait, and run when one is free again', async () => {
    await start(Array.from({ length: 40 }, (_, n) => (n === 0 || n === 8 ? 'blocking' : 'short')));
    await until('both block', () => words[1] === 1 && words[1 + 8] === 1);
    await end(40);
  });

  test('a drain gives back what a long task keeps waiting', async () => {
    await start(Array.from({ length: 40 }, (_, n) => (n === 0 || n === 8 ? 'blocking' : 'short')));
    await until('both block', () => words[1] === 1 && words[1 + 8] === 1);
    const drained = pipeline.drain(10_000);
    await until('the rest is given back', () => pipeline.counters().givenBack > 0);
    openGate();
    assert.equal(await drained, 0);
    const { acked, givenBack } = pipeline.counters();
    await pipeline.stop();
    assert.equal(acked + givenBack, 40);
    assert.equal(await broker.readyCount(QUEUE), givenBack);
    assert.ok(callsOf(40).every((calls) => calls <= 1));
    await broker.stop();
  });
});

describe('the claim', { timeout: 120_000 }, () => {
  const executor = new ThreadExecutor({ tasks: taskFixture('neighbours.ts'), threads: 2 });
  before(() => executor.start());
  after(() => executor.stop());

  test('a task is run by the thread that claimed it or taken back, never both, whenever that is', async () => {
    const takes = fc.array(
      fc.record({ index: fc.nat(199), from: fc.constantFrom(WAITING, DONE), pause: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 300,
      },
    );
    await fc.assert(
      fc.asyncProperty(takes, fc.constantFrom('short', 'short-async'), async (attempts, task) => {
        words.fill(0);
        const messages = Array.from({ length: 200 }, (_, n) => call(task, { n }));
        const ledger = Ledger.allocate(messages.length);
        const request = { buffer: makeBatch(messages), ledger: ledger.shared, queue: QUEUE, defaultTask: undefined };
        const running = executor.run(request);
        const again = new Set<number>();
        const early = new Set<number>();
        for (const { index, from, pause } of attempts) {
          if (pause) await turn();
          if (ledger.move(index, from, TAKEN_BACK)) (from === WAITING ? again : early).add(index);
        }
        // some of what was taken back runs elsewhere while the first thread still goes on
        const except = messages.flatMap((_, index) => (again.has(index) ? [] : [index]));
        const rerun = runMessages(executor, messages, { except });
        await running;
        assert.equal((await rerun).count, again.size);
        assert.deepEqual(
          callsOf(200),
          messages.map(() => 1),
        );
        for (const index of early) assert.equal(ledger.state(index), TAKEN_BACK);
      }),
      { numRuns: 60 },
    );
  });
});
