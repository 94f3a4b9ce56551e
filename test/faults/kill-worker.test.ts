/**
 * kill -9 of the worker, five times in one run, with nothing lost and nothing stored twice.
 *
 * That this test can fail: `npm run mutations` runs it against a copy of the source that acks before it stores. It then
 * ends with e.g. "1665 of 100000 confirmed messages are lost".
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { deadQueueName } from '../../src/broker/topology.ts';
import { createClient } from '../../src/index.ts';
import { slowFault } from '../support/fault-options.ts';
import { faultRandom } from '../support/fault-seed.ts';
import { ProcessJob } from '../support/process-job.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';
import { assertLedger, storedIds } from '../support/stored-ids.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const MESSAGES = 100_000;
const KILLS = 5;

test(
  'a worker killed at five random marks loses nothing and stores nothing twice',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    const [broker, store] = [amqpUrl as string, mongoUrl as string];
    const queue = `kill-${randomUUID()}`;
    const marks = faultRandom(t).marks(KILLS, MESSAGES * 0.1, MESSAGES * 0.7);
    t.diagnostic(`kills when the stored documents cross ${marks.join(', ')}`);

    await using client = await createClient({ broker });
    const confirmed = await client.sendMany(
      'store',
      Array.from({ length: MESSAGES }, (_, n) => ({ n })),
      { queue },
    );
    assert.equal(new Set(confirmed).size, MESSAGES);

    const mongo = new MongoClient(store);
    t.after(() => mongo.close());
    const collection = mongo.db().collection('stored');
    await collection.deleteMany({});
    const start = (): Promise<WorkerProcess> => WorkerProcess.start({ broker, store, queues: [queue], threads: 1 });
    let worker = await start();
    t.after(() => worker.kill());
    for (const mark of marks) {
      // Another process' state, which announces nothing: it has to be asked for.
      while ((await collection.estimatedDocumentCount()) < mark) assert.equal(worker.errors, '');
      await worker.kill();
      worker = await start();
      await worker.until('the kill left a redelivery', (stats) => (stats?.redelivered ?? 0) > 0);
    }
    const admin = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [broker] });
    await admin.start();
    t.after(() => admin.stop());
    // Twice, because a message may be on its way from the queue to the worker, where neither of them shows it.
    for (let ended = 0; ended < 2; ) {
      while ((await admin.readyCount(queue)) > 0) assert.equal(worker.errors, '');
      const asked = Date.now();
      await worker.until('it tells what it has', (stats) => (stats?.now ?? 0) > asked);
      const { messagesHeld, received, acked } = worker.stats as NonNullable<typeof worker.stats>;
      const done = messagesHeld === 0 && acked > 0 && received === acked;
      ended = done && (await admin.readyCount(queue)) === 0 ? ended + 1 : 0;
    }
    assert.deepEqual(await worker.terminate(), { code: 0, signal: null });

    assertLedger({
      confirmed,
      stored: await storedIds(store, 'stored'),
      deadLettered: [],
      queued: (await admin.readyCount(queue)) + (await admin.readyCount(deadQueueName(queue))),
    });
  },
);

test(
  'a worker killed in the middle of its transactions counts nothing twice, and documents that it held are free again',
  slowFault(needs(amqpUrl, mongoUrl)), // the server holds what a dead process has changed for a minute
  async (t) => {
    const messages = 6_000;
    const job = await ProcessJob.open(t, { broker: amqpUrl as string, store: mongoUrl as string });
    await job.send(
      'pair',
      Array.from({ length: messages }, (_, n) => ({ n, counter: `c${n % 20}` })),
    );
    for (const mark of faultRandom(t).marks(3, messages * 0.05, messages * 0.7)) {
      const worker = await job.worker();
      await job.untilStored(mark);
      await worker.kill();
    }
    const worker = await job.worker();
    await job.untilEnded();
    assert.ok((worker.stats?.redelivered ?? 0) > 0, 'the kills left redeliveries');
    const counters = await job.db.collection('counters').find().toArray();
    const by = counters.flatMap((counter) => counter['by'] as string[]);
    assert.deepEqual(by.sort(), [...job.confirmed].sort(), 'each message has counted, and once');
    await job.close();
  },
);
