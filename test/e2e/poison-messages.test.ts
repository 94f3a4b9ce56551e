/** Every kind of bad message ends in the dead letters with its reason, once, and harms no neighbour. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { deadQueueName, queueTopology } from '../../src/broker/topology.ts';
import { createClient, startRuntime } from '../../src/index.ts';
import { takeMessages } from '../../src/runtime/take-messages.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';
import { until } from '../support/until.ts';

const NEIGHBOURS = 600;

/** What each bad message must end with: code, outcome, attempts, and a part of the reason. */
const EXPECTED: Readonly<Record<string, readonly [code: string, outcome: string, attempts: number, reason: RegExp]>> = {
  'unknown-task': ['E_TASK_UNKNOWN', 'failed', 1, /no task is called "nobody-knows"/],
  'no-type': ['E_TASK_UNKNOWN', 'failed', 1, /names no task/],
  'not-json': ['E_BODY_UNDECODABLE', 'failed', 1, /JSON/],
  throws: ['E_TASK_FAILED', 'failed', 2, /this row has no caller/],
  rejects: ['E_TARIFF', 'failed', 2, /the tariff service said no/],
  'too-large': ['E_STORE_REFUSED', 'failed', 1, /rows/],
  cyclic: ['E_STORE_REFUSED', 'failed', 1, /rows/],
  'same-number': ['E_STORE_CONFLICT', 'failed', 1, /unique/],
  mixed: ['E_TASK_OUTCOME', 'failed', 1, /effect/],
  exits: ['E_TASK_CRASHED', 'crashed', 2, /thread ended while it ran this task: .*exit/],
};

test(
  'each bad message is dead-lettered with its reason, and all its neighbours are stored',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    const queue = `poison-${randomUUID()}`;
    const mongo = new MongoClient(mongoUrl as string);
    t.after(() => mongo.close());
    const rows = mongo.db().collection<{ _id: string; unique?: number }>('rows');
    await rows.deleteMany({});
    await rows.createIndex({ unique: 1 }, { unique: true, sparse: true });
    await rows.insertOne({ _id: 'first', unique: 1 });

    const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [amqpUrl as string] });
    await broker.start();
    t.after(() => broker.stop());
    await broker.declare(queueTopology(queue, 'quorum'));
    const publisher = await broker.publisher({ window: 100 });
    const raw = (id: string, type: string | undefined, body: string): Promise<void> => {
      const properties = {
        messageId: id,
        contentType: 'application/json',
        deliveryMode: 2 as const,
        ...(type === undefined ? {} : { type }),
      };
      return publisher.publish({ exchange: '', routingKey: queue, properties, body: Buffer.from(body) });
    };
    await using client = await createClient({ broker: amqpUrl as string });
    const fine = await client.sendMany(
      'fine',
      Array.from({ length: NEIGHBOURS / 2 }, (_, n) => ({ n })),
      { queue },
    );
    await raw('unknown-task', 'nobody-knows', '{}');
    await raw('no-type', undefined, '{}');
    await raw('not-json', 'fine', '{"n": ');
    for (const task of ['throws', 'rejects', 'too-large', 'cyclic', 'same-number', 'mixed', 'exits'])
      await raw(task, task, '{}');
    fine.push(
      ...(await client.sendMany(
        'fine',
        Array.from({ length: NEIGHBOURS / 2 }, (_, n) => ({ n })),
        { queue },
      )),
    );

    await using runtime = await startRuntime({
      tasks: new URL('../fixtures/poison/tasks.ts', import.meta.url),
      broker: amqpUrl as string,
      store: mongoUrl as string,
      queues: [queue],
      threads: 2,
      retry: { attempts: 2, delay: 0 },
      unknownTasks: { wait: 100, limit: 1 },
      log: { level: 'silent' },
    });
    const bad = Object.keys(EXPECTED).length;
    await until('all bad ones are dead letters', () => runtime.stats().deadLettered === bad, 60_000);
    await until('everything is acked', () => runtime.stats().succeeded >= NEIGHBOURS, 60_000);
    assert.equal(runtime.status().state, 'running');
    assert.equal(runtime.stats().waited, 1, 'the unknown task waited once for a worker that knows it');
    assert.equal(runtime.stats().threadDeaths >= 2, true);

    const letters = await takeMessages(broker, deadQueueName(queue));
    assert.deepEqual(
      letters.map(({ properties }) => String(properties.messageId)).sort(),
      Object.keys(EXPECTED).sort(),
    );
    for (const { properties } of letters) {
      const [code, outcome, attempts, reason] = EXPECTED[properties.messageId as string] as (typeof EXPECTED)[string];
      const headers = properties.headers ?? {};
      const got = [headers['x-error-code'], headers['x-outcome'], headers['x-attempt'], headers['x-queue']];
      assert.deepEqual(got, [code, outcome, attempts, queue], properties.messageId);
      assert.match(String(headers['x-error-message']), reason, properties.messageId);
      assert.equal(properties.contentType, 'application/json');
    }
    const stored = await rows
      .find({ _id: { $ne: 'first' } }, { projection: { _id: 1 } })
      .map(({ _id }) => _id)
      .toArray();
    assert.deepEqual(stored.sort(), [...fine].sort());
    assert.equal(await broker.readyCount(queue), 0);
  },
);
