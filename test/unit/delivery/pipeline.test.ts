import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HEADER_COUNT } from '../../../src/batch/batch-layout.ts';
import { DONE, Ledger, RUNNING } from '../../../src/batch/ledger.ts';
import { packOutcomes } from '../../../src/batch/outcome-packer.ts';
import { deadQueueName, queueTopology } from '../../../src/broker/topology.ts';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';
import { QUICK_RETRY } from '../../support/delivery-options.ts';
import { awayStore, bodies, makeBench, QUEUE } from '../../support/pipeline-bench.ts';
import { ScriptedExecutor } from '../../support/scripted-executor.ts';
import { until } from '../../support/until.ts';

test('everything that succeeds is acked, and the queue ends empty', async () => {
  const executor = new ScriptedExecutor(2, () => 'succeed');
  const bench = await makeBench(executor);
  await bench.publish(bodies(500));
  await bench.pipeline.start();
  await until('500 acks', () => bench.pipeline.counters().acked === 500);
  const counters = bench.pipeline.counters();
  assert.equal(counters.succeeded, 500);
  assert.equal(counters.messagesHeld, 0);
  assert.equal(counters.bytesHeld, 0);
  assert.equal(new Set(executor.ran).size, 500);
  assert.equal(await bench.pipeline.drain(1000), 0);
  await bench.pipeline.stop();
  assert.equal(await bench.ready(), 0);
  await bench.stop();
});

test('while the store is away nothing is acked or dead-lettered, and afterwards everything runs again', async () => {
  let away = true;
  const store = awayStore(3);
  const executor = new ScriptedExecutor(1, () => (away ? 'unknown' : 'succeed'));
  const bench = await makeBench(executor, { store });
  await bench.publish(bodies(30));
  await bench.pipeline.start();
  await until('the pipeline pauses', () => bench.pipeline.counters().paused !== undefined);
  assert.equal(bench.pipeline.counters().acked, 0);
  away = false;
  await until('30 acks', () => bench.pipeline.counters().acked === 30);
  assert.equal(store.pings, 4);
  assert.equal(bench.pipeline.counters().paused, undefined);
  assert.equal(await bench.ready(deadQueueName(QUEUE)), 0);
  assert.ok(bench.pipeline.counters().reruns > 0);
  await bench.stop();
});

test('a drain gives back what was not begun and finishes what was', async () => {
  const executor = new ScriptedExecutor(1, () => 'succeed');
  const bench = await makeBench(executor, { queue: { prefetch: 50 } });
  executor.hold();
  await bench.publish(bodies(80));
  await bench.pipeline.start();
  await until('50 deliveries', () => bench.pipeline.counters().received === 50);
  const drained = bench.pipeline.drain(10_000);
  await until('everything unstarted is given back', () => bench.pipeline.counters().givenBack === 50);
  executor.release();
  assert.equal(await drained, 0);
  await bench.pipeline.stop();
  assert.equal(executor.ran.length, 0);
  assert.equal(await bench.ready(), 80);
  await bench.stop();
});

test('what still runs at the deadline is aborted, cut off and stays with the broker', async () => {
  const executor = new ScriptedExecutor(1, () => 'succeed');
  const bench = await makeBench(executor);
  const stuck = new Promise<ArrayBuffer>(() => {});
  executor.run = (request) => {
    void request;
    return stuck;
  };
  // a run that has begun: its ledger says so
  const run = executor.run;
  executor.run = (request) => {
    new Int32Array(request.ledger).fill(1, 4, 5);
    return run(request);
  };
  await bench.publish(['m0']);
  await bench.pipeline.start();
  await until('one delivery', () => bench.pipeline.counters().received === 1);
  assert.equal(await bench.pipeline.drain(20), 1);
  assert.equal(executor.aborted, true);
  await bench.pipeline.stop();
  assert.equal(await bench.ready(), 1);
  await bench.stop();
});

test('what was done beside a task that is cut off is acked', async () => {
  const executor = new ScriptedExecutor(1, () => 'succeed');
  const bench = await makeBench(executor);
  const answers: (() => void)[] = [];
  executor.run = (request) => {
    const ledger = new Ledger(request.ledger);
    const count = new Uint32Array(request.buffer)[HEADER_COUNT / 4] as number;
    for (let index = 0; index < count; index++) ledger.set(index, DONE);
    if (executor.ran.push('run') === 1) ledger.set(0, RUNNING);
    const outcomes = { count, others: [], busyMs: 1, withoutId: 0, handlerCalls: count };
    return new Promise((resolve) => answers.push(() => resolve(packOutcomes(outcomes, request.buffer))));
  };
  await bench.publish(bodies(8));
  await bench.pipeline.start();
  await until('8 deliveries', () => bench.pipeline.counters().received === 8);
  assert.equal(await bench.pipeline.drain(20), 1);
  assert.equal(bench.pipeline.counters().acked, 7);
  for (const answer of answers) answer();
  await bench.pipeline.stop();
  assert.equal(bench.pipeline.counters().succeeded, 8, 'an answer that comes late settles the rest only');
  assert.equal(await bench.ready(), 1);
  await bench.stop();
});

test('acks of a lost connection are dropped and the messages run again', async () => {
  const executor = new ScriptedExecutor(1, () => 'succeed');
  const bench = await makeBench(executor, { queue: { prefetch: 40 } });
  executor.hold();
  await bench.publish(bodies(40));
  await bench.pipeline.start();
  await until('40 deliveries', () => bench.pipeline.counters().received === 40);
  bench.broker.breakConnection();
  await until('40 redeliveries', () => bench.pipeline.counters().redelivered === 40);
  executor.release();
  await until('40 acks', () => bench.pipeline.counters().acked === 40);
  assert.ok(bench.pipeline.counters().stale > 0);
  await bench.pipeline.stop();
  assert.equal(await bench.ready(), 0);
  assert.equal(bench.pipeline.counters().bytesHeld, 0);
  await bench.stop();
});

test('an error that is neither a death nor the store ends the pipeline, once, and loses nothing', async () => {
  const executor = new ScriptedExecutor(2, () => 'succeed');
  executor.run = () => Promise.reject(new RuntimeError('E_THREADS_EXHAUSTED', 'scripted'));
  const bench = await makeBench(executor);
  await bench.publish(bodies(50));
  await bench.pipeline.start();
  await until('a fatal error', () => bench.fatal.length > 0);
  assert.deepEqual(
    bench.fatal.map((error) => error.code),
    ['E_THREADS_EXHAUSTED'],
  );
  await bench.pipeline.stop();
  assert.equal(await bench.ready(), 50);
  await bench.stop();
});

test('whatever tasks do and however often the connection breaks, every message ends stored or dead-lettered', async () => {
  const behaviour = fc.constantFrom(
    'succeed' as const,
    'succeed' as const,
    'succeed' as const,
    'fail' as const,
    'die' as const,
    'unknown-once' as const,
    'die-once' as const,
  );
  const property = fc.asyncProperty(
    fc.array(behaviour, { minLength: 1, maxLength: 60 }),
    fc.record({
      threads: fc.integer({ min: 1, max: 3 }),
      prefetch: fc.integer({ min: 1, max: 40 }),
      target: fc.integer({ min: 1, max: 9 }),
      breaks: fc.array(fc.nat(60), { maxLength: 2 }),
    }),
    async (behaviours, { threads, prefetch, target, breaks }) => {
      const retry = { ...QUICK_RETRY, attempts: 2 };
      const names = behaviours.map((_, n) => `m${n}`);
      const once = new Set<string>();
      const succeeded = new Set<string>();
      const executor = new ScriptedExecutor(threads, ({ body }) => {
        const wanted = behaviours[Number(body.slice(1))] ?? 'succeed';
        if (wanted === 'fail' || wanted === 'die') return wanted;
        if (wanted !== 'succeed' && !once.has(body)) {
          once.add(body);
          return wanted === 'die-once' ? 'die' : 'unknown';
        }
        succeeded.add(body);
        return 'succeed';
      });
      const bench = await makeBench(executor, { queue: { prefetch, retry }, target, store: awayStore(0) });
      await bench.publish(names);
      await bench.pipeline.start();
      for (const at of breaks) {
        await until('the moment to break', () => executor.ran.length >= Math.min(at, names.length));
        await until('a connection to break', () => bench.broker.health().state === 'connected');
        bench.broker.breakConnection();
      }
      const poisons = behaviours.filter((one) => one === 'fail' || one === 'die').length;
      const done = async (): Promise<boolean> => {
        const ended = succeeded.size === names.length - poisons && (await bench.ready(deadQueueName(QUEUE))) >= poisons;
        const quiet = bench.pipeline.counters().messagesHeld === 0 && (await bench.ready()) === 0;
        // a copy of a retry whose original came back with the connection may still wait for its delay
        return ended && quiet && (await bench.delayed()) === 0 && (await bench.ready()) === 0;
      };
      while (!(await done())) await new Promise((resolve) => setImmediate(resolve));
      await bench.pipeline.drain(1000);
      await bench.pipeline.stop();
      const letters = await bench.deadLetters();
      const dead = new Set(letters.map(({ body }) => body));
      for (const [n, name] of names.entries()) {
        const poison = behaviours[n] === 'fail' || behaviours[n] === 'die';
        assert.equal(dead.has(name), poison, `${name} ${behaviours[n]} in the dead letters`);
        assert.equal(succeeded.has(name), !poison, `${name} ${behaviours[n]} among the succeeded`);
      }
      assert.equal(await bench.ready(), 0);
      assert.equal(bench.pipeline.counters().bytesHeld, 0);
      assert.deepEqual(bench.fatal, []);
      await bench.stop();
    },
  );
  await fc.assert(property, { numRuns: 40, includeErrorInReport: true });
});

test('a queue that is deleted is named as interrupted until its consumer is back', async () => {
  const bench = await makeBench(new ScriptedExecutor(1, () => 'succeed'));
  await bench.pipeline.start();
  assert.deepEqual(bench.pipeline.counters().interrupted, []);
  bench.broker.deleteQueue(QUEUE);
  await until('the loss is known', () => bench.pipeline.counters().interrupted.length === 1);
  assert.equal(bench.pipeline.counters().interrupted[0]?.queue, QUEUE);
  await bench.broker.declare(queueTopology(QUEUE, 'quorum'));
  await until('it is consumed again', () => bench.pipeline.counters().interrupted.length === 0);
  await bench.stop();
});

test('what waits to run again is dropped when its connection is lost, because it is delivered again', async () => {
  let away = true;
  const store = awayStore(0);
  store.ping = async () => {
    if (away) throw new RuntimeError('E_STORE_UNREACHABLE', 'scripted: away');
  };
  const executor = new ScriptedExecutor(1, () => (away ? 'unknown' : 'succeed'));
  const bench = await makeBench(executor, { store });
  await bench.publish(bodies(5));
  await bench.pipeline.start();
  await until('all wait to run again', () => {
    const { reruns, paused, messagesHeld } = bench.pipeline.counters();
    return paused !== undefined && messagesHeld === 5 && reruns > 0;
  });
  bench.broker.breakConnection();
  await until('all are delivered again', () => bench.pipeline.counters().redelivered === 5);
  const before = executor.ran.length;
  away = false;
  await until('5 acks', () => bench.pipeline.counters().acked === 5);
  assert.equal(executor.ran.length - before, 5);
  assert.equal(bench.pipeline.counters().messagesHeld, 0);
  assert.equal(bench.pipeline.counters().bytesHeld, 0);
  await bench.stop();
});
