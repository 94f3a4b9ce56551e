/** The store dies, freezes, refuses single documents, and answers that nobody hears. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MongoServer } from '../../scripts/services/mongo-server.ts';
import { allOf, slowFault } from '../support/fault-options.ts';
import { faultRandom } from '../support/fault-seed.ts';
import { ProcessJob } from '../support/process-job.ts';
import { amqpUrl, mongoUrl, needs, needsOwn } from '../support/servers.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

/** A store of the test's own, and a job on it. */
async function withOwnStore(t: TestContext): Promise<{ mongo: MongoServer; job: ProcessJob }> {
  const mongo = await MongoServer.start();
  try {
    return { mongo, job: await ProcessJob.open(t, { broker: amqpUrl as string, store: mongo.url }) };
  } finally {
    t.after(() => mongo.remove()); // hooks run in this order: the job takes its database away first
  }
}

/** Pairs spread over some counters, and then many inserts. */
async function sendMix(job: ProcessJob, pairs: number, inserts: number): Promise<void> {
  await job.sendNumbered('store', inserts / 2);
  await job.send(
    'pair',
    Array.from({ length: pairs }, (_, n) => ({ n, counter: `c${n % 40}` })),
  );
  await job.sendNumbered('store', inserts / 2);
}

/** By what it says of itself: while documents are counted all work may be done, and then no fault meets it. */
async function untilAcked(worker: WorkerProcess, messages: number): Promise<void> {
  await worker.until(`${messages} are acked`, (stats) => (stats?.acked ?? 0) >= messages);
}

/** Each of the pairs has counted exactly once, over all counters. */
async function assertCounted(job: ProcessJob, pairs: number): Promise<void> {
  const counters = await job.db.collection('counters').find().toArray();
  const by = counters.flatMap((counter) => counter['by'] as string[]);
  const sum = counters.reduce((total, counter) => total + Number(counter['n']), 0);
  assert.deepEqual([by.length, new Set(by).size, sum], [pairs, pairs, pairs], 'each pair has counted once');
}

test(
  'the store is killed twice while effects are written and started again: each is applied once',
  allOf(needsOwn('mongodb'), needs(amqpUrl)),
  async (t) => {
    const [pairs, inserts] = [1_000, 40_000];
    const { mongo, job } = await withOwnStore(t);
    await sendMix(job, pairs, inserts);
    const worker = await job.worker({ store: { url: job.store, timeout: '2s' } });
    for (const mark of faultRandom(t).marks(2, inserts * 0.05, inserts * 0.5)) {
      await untilAcked(worker, mark);
      await mongo.kill();
      await worker.until('it pauses', (stats) => stats?.paused !== undefined);
      await mongo.start();
      await worker.until('it goes on', (stats) => stats?.paused === undefined);
    }
    await job.untilEnded();
    assert.equal(worker.stats?.deadLettered, 0);
    assert.equal(worker.stats.redelivered, 0, 'the broker was not asked to deliver again');
    await assertCounted(job, pairs);
    await job.close();
  },
);

test(
  'a store that freezes in the middle of a write: the worker pauses, and goes on when it answers again',
  slowFault(needsOwn('mongodb'), needs(amqpUrl)),
  async (t) => {
    const [pairs, inserts] = [2_000, 60_000];
    const { mongo, job } = await withOwnStore(t);
    await sendMix(job, pairs, inserts);
    const worker = await job.worker({ store: { url: job.store, timeout: '2s' } });
    for (const mark of faultRandom(t).marks(3, inserts * 0.05, inserts * 0.6)) {
      await untilAcked(worker, mark);
      mongo.freeze();
      await worker.until('it pauses', (stats) => stats?.paused !== undefined).finally(() => mongo.thaw());
      await worker.until('it goes on', (stats) => stats?.paused === undefined);
    }
    await job.untilEnded();
    assert.equal(worker.stats?.deadLettered, 0);
    await assertCounted(job, pairs);
    await job.close();
  },
);

test(
  'a unique index that refuses some documents: they are dead-lettered, their neighbours are stored',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    const messages = 3_000;
    const random = faultRandom(t);
    const job = await ProcessJob.open(t, { broker: amqpUrl as string, store: mongoUrl as string });
    await job.db.collection<{ unique: number }>('stored').createIndex({ unique: 1 }, { unique: true });
    // Every value that comes again is refused; which message is first does not matter.
    const values = Array.from({ length: messages }, (_, n) => (random.next() < 0.05 ? random.integer(0, n + 1) : n));
    await job.send(
      'unique',
      values.map((unique, n) => ({ n, unique })),
    );
    const conflicts = messages - new Set(values).size;
    assert.ok(conflicts > 50, `${conflicts} conflicts are asked for`);
    await job.worker({ threads: 2 });
    await job.untilEnded();
    const { stored, deadLettered } = await job.close();
    assert.deepEqual([stored.length, deadLettered.length], [messages - conflicts, conflicts]);
    const codes = (await job.deadLetters()).map(({ properties }) => properties.headers?.['x-error-code']);
    assert.deepEqual(new Set(codes), new Set(['E_STORE_CONFLICT']));
  },
);

test(
  'the store has written, and its answer is lost: the batch runs again, each effect is there once',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    const [pairs, inserts] = [600, 6_000];
    const random = faultRandom(t);
    const job = await ProcessJob.open(t, { broker: amqpUrl as string, store: mongoUrl as string });
    const real = new URL(job.store);
    const proxy = await TcpProxy.start(real.host);
    t.after(() => proxy.stop());
    await sendMix(job, pairs, inserts);
    // The server would tell the driver its own address, and the driver would go round the proxy.
    const through = `mongodb://${proxy.address}${real.pathname}?directConnection=true`;
    const worker = await job.worker({ store: { url: through, timeout: '5s' } });
    for (const mark of random.marks(6, 1, inserts * 0.9)) {
      await untilAcked(worker, mark);
      const { accepted } = proxy;
      proxy.cutAfter('to-client', random.integer(1, 500));
      await Promise.race([
        proxy.until((each) => each.accepted > accepted),
        worker.until('all is done', (stats) => (stats?.acked ?? 0) >= job.confirmed.length),
      ]);
    }
    await job.untilEnded();
    assert.ok(proxy.accepted >= 4, 'connections to the store were cut');
    assert.equal(worker.stats?.deadLettered, 0);
    await assertCounted(job, pairs);
    await job.close();
  },
);

test(
  'effects are stored and the ack is lost: the redelivery finds them applied',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    const [pairs, inserts] = [1_000, 40_000];
    const random = faultRandom(t);
    const broker = amqpUrl as string;
    const job = await ProcessJob.open(t, { broker, store: mongoUrl as string });
    const proxy = await TcpProxy.start(new URL(broker).host);
    t.after(() => proxy.stop());
    await sendMix(job, pairs, inserts);
    const worker = await job.worker({ broker: proxy.through(broker) });
    for (const mark of random.marks(4, 1, inserts * 0.6)) {
      await untilAcked(worker, mark);
      const before = worker.stats?.reconnects ?? 0;
      proxy.cutAfter('to-server', random.integer(1, 60)); // in the middle of an ack, or between two
      await worker.until('it is back', (stats) => (stats?.reconnects ?? 0) > before && stats?.broker === 'connected');
    }
    await job.untilEnded();
    assert.ok((worker.stats?.redelivered ?? 0) > 0, 'what was stored was delivered again');
    await assertCounted(job, pairs);
    await job.close();
  },
);
