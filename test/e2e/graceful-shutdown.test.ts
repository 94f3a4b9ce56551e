/** SIGTERM drains and a second signal ends at once, seen from outside and closed with a ledger. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { Connection } from 'rabbitmq-client';
import { createClient } from '../../src/index.ts';
import { CliProcess } from '../support/cli-process.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';
import { storedIds } from '../support/stored-ids.ts';

const TASKS = fileURLToPath(new URL('../fixtures/cli/tasks.ts', import.meta.url));
const MESSAGES = 2_000;

async function ready(connection: Connection, queue: string): Promise<number> {
  return (await connection.queueDeclare({ queue, passive: true })).messageCount;
}

async function removeQueues(connection: Connection, queue: string): Promise<void> {
  for (const name of [queue, `${queue}.dead`]) await connection.queueDelete({ queue: name });
  await connection.close();
}

test(
  'SIGTERM in the middle: what was begun is stored and acknowledged, the rest is in the queue',
  needs(amqpUrl, mongoUrl),
  async () => {
    const [broker, store] = [amqpUrl as string, mongoUrl as string];
    const queue = `drain-${randomUUID()}`;
    await using client = await createClient({ broker });
    const payloads = Array.from({ length: MESSAGES }, (_, n) => ({ collection: queue, ms: 20, n }));
    const confirmed = await client.sendMany('store', payloads, { queue });

    const worker = new CliProcess(['worker', '--tasks', TASKS, '--queue', queue, '--threads', '1'], {
      AMQP_URL: broker,
      MONGO_URL: store,
    });
    const mongo = new MongoClient(store);
    const collection = mongo.db().collection(queue);
    // Another process' progress, which announces nothing: the database has to be asked.
    while ((await collection.countDocuments()) < 100) await new Promise((resolve) => setImmediate(resolve));
    worker.signal('SIGTERM');
    const { code, err } = await worker.finish();
    assert.equal(code, 0, err);

    const stored = await storedIds(store, queue);
    const connection = new Connection(broker);
    const left = await ready(connection, queue);
    assert.ok(
      stored.length >= 100 && stored.length < MESSAGES,
      `stored ${stored.length}: the signal came in the middle`,
    );
    assert.equal(stored.length + left, MESSAGES, 'everything is stored, or in the queue, and nothing is both');
    const known = new Set(confirmed);
    assert.deepEqual(
      stored.filter((id) => !known.has(id)),
      [],
      'nothing is stored that was not sent',
    );
    assert.equal(await ready(connection, `${queue}.dead`), 0);
    await collection.drop();
    await mongo.close();
    await removeQueues(connection, queue);
  },
);

test(
  'a second signal ends a worker that cannot drain, and its message is in the queue again',
  needs(amqpUrl),
  async () => {
    const broker = amqpUrl as string;
    const queue = `second-${randomUUID()}`;
    await using client = await createClient({ broker });
    await client.send('hang', {}, { queue });
    for (const [signal, expected] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      const worker = new CliProcess(['worker', '--tasks', TASKS, '--queue', queue, '--threads', '1'], {
        AMQP_URL: broker,
      });
      await worker.logged('hanging');
      worker.signal('SIGTERM');
      await worker.logged('"msg":"draining"');
      worker.signal(signal);
      const { code, err } = await worker.finish();
      assert.equal(code, expected, err);
    }
    const connection = new Connection(broker);
    // The broker notices the closed connection in its own time.
    while ((await ready(connection, queue)) < 1) await new Promise((resolve) => setImmediate(resolve));
    await removeQueues(connection, queue);
  },
);

test('a task that does not end in time is cut off, and the worker still ends with 0', needs(amqpUrl), async () => {
  const broker = amqpUrl as string;
  const queue = `grace-${randomUUID()}`;
  await using client = await createClient({ broker });
  await client.send('hang', {}, { queue });
  const worker = new CliProcess(['worker', '--tasks', TASKS, '--queue', queue, '--threads', '1', '--grace', '100ms'], {
    AMQP_URL: broker,
  });
  await worker.logged('hanging');
  worker.signal('SIGTERM');
  const { code, err } = await worker.finish();
  assert.equal(code, 0, err);
  assert.match(err, /"cutOff":1/);
  const connection = new Connection(broker);
  while ((await ready(connection, queue)) < 1) await new Promise((resolve) => setImmediate(resolve));
  await removeQueues(connection, queue);
});
