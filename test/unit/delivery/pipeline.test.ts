import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HEADER_COUNT } from '../../../src/batch/batch-layout.ts';
import { DONE, Ledger, RUNNING } from '../../../src/batch/ledger.ts';
import { decodeProperties, type MessageProperties } from '../../../src/batch/message-properties.ts';
import { packOutcomes } from '../../../src/batch/outcome-packer.ts';
import type { RawDelivery } from '../../../src/batch/raw-delivery.ts';
import { delayMarker, delayTopology } from '../../../src/broker/delay-topology.ts';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import { deadQueueName, queueTopology, suspectsQueueName } from '../../../src/broker/topology.ts';
import type { QueueOptions } from '../../../src/delivery/delivery-options.ts';
import { createPipeline, type Pipeline } from '../../../src/delivery/pipeline.ts';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';
import type { Store } from '../../../src/store/store.ts';
import { SILENT_LOGGER } from '../../../src/telemetry/logger.ts';
import { DELAY_PREFIX, deliveryOptions, QUICK_RETRY, queueOptions } from '../../support/delivery-options.ts';
import { type ScriptedEnd, ScriptedExecutor } from '../../support/scripted-executor.ts';
import { until } from '../../support/until.ts';

const QUEUE = 'work';

interface Bench {
  readonly broker: MemoryBroker;
  readonly pipeline: Pipeline;
  readonly fatal: RuntimeError[];
  publish(bodies: readonly string[], queue?: string): Promise<void>;
  /** Another worker on the same broker. */
  again(executor: ScriptedExecutor): Pipeline;
  ready(queue?: string): Promise<number>;
  /** Messages that wait for a delay. */
  delayed(): Promise<number>;
  /** Takes what lies in the dead-letter queue. */
  deadLetters(): Promise<{ body: string; headers: Record<string, unknown>; properties: MessageProperties }[]>;
  stop(): Promise<void>;
}

async function makeBench(
  executor: ScriptedExecutor,
  changes: { store?: Store; target?: number; queue?: Partial<QueueOptions> } = {},
): Promise<Bench> {
  const broker = new MemoryBroker();
  await broker.start();
  await broker.declare(queueTopology(QUEUE, 'quorum'));
  const publisher = await broker.publisher({ window: 1000 });
  const fatal: RuntimeError[] = [];
  const batch = { target: changes.target ?? 8, maxBytes: 1 << 18, maxAgeMs: 1 };
  const options = deliveryOptions([queueOptions(QUEUE, changes.queue)], { batch });
  const parts = {
    broker,
    executor,
    publisher,
    store: changes.store,
    logger: SILENT_LOGGER,
    fatal: (error: RuntimeError) => fatal.push(error),
  };
  const pipeline = createPipeline(parts, options);
  return {
    broker,
    pipeline,
    fatal,
    again: (other) => createPipeline({ ...parts, executor: other }, options),
    publish: async (bodies, queue = QUEUE) => {
      const send = (body: string): Promise<void> =>
        publisher.publish({
          exchange: '',
          routingKey: queue,
          properties: { type: 'scripted', messageId: body, deliveryMode: 2 },
          body: Buffer.from(body),
        });
      await Promise.all(bodies.map(send));
    },
    ready: (queue = QUEUE) => broker.readyCount(queue),
    delayed: async () => {
      if (!(await broker.exchangeExists(delayMarker(DELAY_PREFIX).name))) return 0;
      const levels = delayTopology(DELAY_PREFIX).queues;
      const counts = await Promise.all(levels.map((level) => broker.readyCount(level.name)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    deadLetters: () => takeAll(broker, deadQueueName(QUEUE)),
    stop: async () => {
      await pipeline.stop();
      await broker.stop();
    },
  };
}

async function takeAll(broker: MemoryBroker, queue: string): ReturnType<Bench['deadLetters']> {
  const taken: Awaited<ReturnType<Bench['deadLetters']>> = [];
  const expected = await broker.readyCount(queue);
  const sink = {
    epochOpened: (): void => {},
    deliver: (raw: RawDelivery): void => {
      const properties = decodeProperties(raw.source, raw.propertiesStart, raw.propertiesEnd);
      taken.push({
        body: raw.source.toString('utf8', raw.bodyStart, raw.bodyEnd),
        headers: properties.headers ?? {},
        properties,
      });
    },
    readEnded: (): void => {},
    epochClosed: (): void => {},
  };
  const consumer = await broker.consume({ queue, prefetch: 60_000 }, sink);
  await until('all dead letters are delivered', () => taken.length >= expected);
  await consumer.close();
  return taken;
}

function bodies(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `m${n}`);
}

function awayStore(failures: number): Store & { pings: number } {
  let left = failures;
  return {
    kind: 'scripted',
    pings: 0,
    start: async () => {},
    stop: async () => {},
    health: () => ({ state: 'away', server: undefined, reason: undefined }),
    async ping() {
      this.pings++;
      if (left-- > 0) throw new RuntimeError('E_STORE_UNREACHABLE', 'scripted: away');
    },
    writerSpec: () => ({ module: '', config: undefined }),
  };
}

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

test('a task that fails in all its attempts is dead-lettered with its reason, and its neighbours are acked', async () => {
  const executor = new ScriptedExecutor(1, ({ body }) => (body === 'm7' ? 'fail' : 'succeed'));
  const bench = await makeBench(executor);
  await bench.publish(bodies(20));
  await bench.pipeline.start();
  await until('the dead letter', () => bench.pipeline.counters().deadLettered === 1);
  await until('22 acks', () => bench.pipeline.counters().acked === 22);
  const [letter, ...more] = await bench.deadLetters();
  assert.deepEqual(more, []);
  assert.equal(letter?.body, 'm7');
  assert.equal(letter.headers['x-error-code'], 'E_TASK_FAILED');
  assert.equal(letter.headers['x-error-message'], 'scripted: fail');
  assert.equal(letter.headers['x-outcome'], 'failed');
  assert.equal(letter.headers['x-attempt'], 3);
  assert.equal(letter.headers['x-queue'], QUEUE);
  assert.equal(letter.headers['x-worker'], 'test:1');
  const history = letter.headers['x-history'] as { attempt: number; outcome: string; worker: string }[];
  assert.deepEqual(
    history.map(({ attempt, outcome, worker }) => [attempt, outcome, worker]),
    [1, 2, 3].map((attempt) => [attempt, 'failed', 'test:1']),
  );
  assert.equal(letter.properties.messageId, 'm7');
  assert.equal(letter.properties.type, 'scripted');
  assert.equal(executor.ran.length, 22);
  assert.equal(bench.pipeline.counters().retried, 2);
  await bench.stop();
});

test('a task that fails once succeeds in its second attempt', async () => {
  const executor = new ScriptedExecutor(1, ({ body, nth }) => (body === 'm3' && nth === 1 ? 'fail' : 'succeed'));
  const bench = await makeBench(executor);
  await bench.publish(bodies(8));
  await bench.pipeline.start();
  await until('8 successes', () => bench.pipeline.counters().succeeded === 8);
  await until('9 acks', () => bench.pipeline.counters().acked === 9);
  assert.equal(await bench.ready(deadQueueName(QUEUE)), 0);
  await bench.stop();
});

test('a task whose thread dies in all its attempts is dead-lettered, and no neighbour is charged', async () => {
  const executor = new ScriptedExecutor(1, ({ body }) => (body === 'm5' ? 'die' : 'succeed'));
  const bench = await makeBench(executor);
  await bench.publish(bodies(24));
  await bench.pipeline.start();
  await until('26 acks', () => bench.pipeline.counters().acked === 26);
  const letters = await bench.deadLetters();
  assert.deepEqual(
    letters.map(({ body, headers }) => [body, headers['x-error-code'], headers['x-outcome'], headers['x-attempt']]),
    [['m5', 'E_TASK_CRASHED', 'crashed', 3]],
  );
  assert.equal(executor.ran.filter((body) => body === 'm5').length, 3);
  for (const body of bodies(24))
    if (body !== 'm5') assert.equal(executor.ran.filter((ran) => ran === body).length, 1, body);
  await bench.stop();
});

test('a task that does not end costs its thread and its attempts, and its neighbours run once', async () => {
  const executor = new ScriptedExecutor(1, ({ body }) => (body === 'm2' ? 'loop' : 'succeed'));
  const bench = await makeBench(executor);
  await bench.publish(bodies(8));
  await bench.pipeline.start();
  await until('10 acks', () => bench.pipeline.counters().acked === 10);
  const letters = await bench.deadLetters();
  assert.deepEqual(
    letters.map(({ body, headers }) => [body, headers['x-error-code'], headers['x-outcome'], headers['x-attempt']]),
    [['m2', 'E_TASK_TIMEOUT', 'timed-out', 3]],
  );
  assert.equal(executor.terminated.length, 3);
  assert.equal(bench.pipeline.counters().timedOut, 3);
  for (const body of bodies(8))
    if (body !== 'm2') assert.equal(executor.ran.filter((ran) => ran === body).length, 1, body);
  await bench.stop();
});

test('a snoozed message comes back as the same attempt, a discarded one is gone', async () => {
  const script = ({ body, nth }: { body: string; nth: number }): ScriptedEnd => {
    if (body === 'm0') return { kind: 'discarded', reason: 'not wanted' };
    return body === 'm1' && nth <= 4 ? { kind: 'snoozed', delayMs: 1 } : 'succeed';
  };
  const bench = await makeBench(new ScriptedExecutor(1, script));
  await bench.publish(bodies(3));
  await bench.pipeline.start();
  await until('7 acks', () => bench.pipeline.counters().acked === 7);
  const { waited, discarded, succeeded, failed } = bench.pipeline.counters();
  assert.deepEqual({ waited, discarded, succeeded, failed }, { waited: 4, discarded: 1, succeeded: 2, failed: 0 });
  assert.equal(await bench.ready(deadQueueName(QUEUE)), 0);
  await bench.stop();
});

test('a message of an unknown task waits for a worker that knows it, and is dead-lettered after the limit', async () => {
  const error = { name: 'RuntimeError', code: 'E_TASK_UNKNOWN', message: 'scripted: unknown' };
  const script = ({ body, nth }: { body: string; nth: number }): ScriptedEnd =>
    body === 'm0' || nth === 1 ? { kind: 'failed', error } : 'succeed';
  const bench = await makeBench(new ScriptedExecutor(1, script));
  await bench.publish(bodies(2));
  await bench.pipeline.start();
  await until('5 acks', () => bench.pipeline.counters().acked === 5);
  const letters = await bench.deadLetters();
  assert.deepEqual(
    letters.map(({ body, headers }) => [body, headers['x-error-code'], headers['x-attempt'], headers['x-waits']]),
    [['m0', 'E_TASK_UNKNOWN', 1, 2]],
  );
  assert.equal(bench.pipeline.counters().succeeded, 1);
  await bench.stop();
});

test('a message too old to start goes to the queue its task names', async () => {
  const error = { name: 'RuntimeError', code: 'E_TASK_EXPIRED', message: 'scripted: too old' };
  const executor = new ScriptedExecutor(1, ({ body }) => (body === 'm1' ? { kind: 'expired', error } : 'succeed'));
  executor.description = { ...executor.description, expiredQueue: 'too-late' };
  const bench = await makeBench(executor);
  await bench.publish(bodies(3));
  await bench.pipeline.start();
  await until('3 acks', () => bench.pipeline.counters().acked === 3);
  assert.equal(await bench.ready('too-late'), 1);
  assert.equal(await bench.ready(deadQueueName(QUEUE)), 0);
  assert.equal(bench.pipeline.counters().expired, 1);
  await bench.stop();
});

/** Workers that die with what they were given, one after another. */
async function dieHolding(bench: Bench, times: number): Promise<void> {
  for (let deaths = 0; deaths < times; deaths++) {
    const executor = new ScriptedExecutor(1, () => 'succeed');
    executor.hold();
    const worker = bench.again(executor);
    await worker.start();
    await until('it is delivered', () => worker.counters().received === 1);
    await worker.stop();
  }
}

test('a message that three processes died with is put aside, and its neighbours run', async () => {
  const bench = await makeBench(new ScriptedExecutor(1, () => 'succeed'));
  await bench.publish(['m0']);
  await dieHolding(bench, 3);
  await bench.publish(['m1']);
  await bench.pipeline.start();
  await until('the suspect is put aside', () => bench.pipeline.counters().suspects === 1);
  await until('the neighbour is done', () => bench.pipeline.counters().succeeded === 1);
  assert.equal(await bench.ready(suspectsQueueName(QUEUE)), 1);
  await bench.stop();
});

test('a message whose connection was lost again and again under a living process is no suspect', async () => {
  const executor = new ScriptedExecutor(1, () => 'succeed');
  executor.hold();
  const bench = await makeBench(executor);
  await bench.publish(['m0']);
  await bench.pipeline.start();
  for (let breaks = 1; breaks <= 5; breaks++) {
    await until('it is delivered', () => bench.pipeline.counters().received === breaks);
    bench.broker.breakConnection();
  }
  executor.release();
  await until('it is done', () => bench.pipeline.counters().acked === 1);
  assert.equal(bench.pipeline.counters().suspects, 0);
  await bench.stop();
});

test('a suspect whose process died in each of its attempts is dead-lettered as crashed', async () => {
  const executor = new ScriptedExecutor(1, () => 'succeed');
  const name = suspectsQueueName(QUEUE);
  const bench = await makeBench(executor, { queue: { name, home: QUEUE, suspects: true, prefetch: 1 } });
  await bench.publish(['m0'], name);
  await dieHolding(bench, 3);
  await bench.pipeline.start();
  await until('it is dead-lettered', () => bench.pipeline.counters().deadLettered === 1);
  const [letter] = await bench.deadLetters();
  assert.deepEqual([letter?.headers['x-error-code'], letter?.headers['x-attempt']], ['E_TASK_CRASHED', 3]);
  assert.equal(letter?.headers['x-queue'], QUEUE);
  assert.deepEqual(executor.ran, []);
  await bench.stop();
});

test('a task that ends its thread while its effects are written is found among its neighbours', async () => {
  const executor = new ScriptedExecutor(2, ({ body }) => (body === 'm5' ? 'die-writing' : 'write'));
  const bench = await makeBench(executor);
  await bench.publish(bodies(24));
  await bench.pipeline.start();
  await until('its dead letter', () => bench.pipeline.counters().deadLettered === 1);
  await until('the others', () => bench.pipeline.counters().succeeded === 23);
  const letters = await bench.deadLetters();
  assert.deepEqual(
    letters.map(({ body, headers }) => [body, headers['x-error-code'], headers['x-attempt']]),
    [['m5', 'E_TASK_CRASHED', 3]],
  );
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
