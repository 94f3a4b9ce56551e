/** Queues and exchanges that are deleted under a running worker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { levelName } from '../../src/broker/delay-topology.ts';
import { DEAD_LETTER_EXCHANGE, deadQueueName } from '../../src/broker/topology.ts';
import { FaultJob } from '../support/fault-job.ts';
import { queuedIds } from '../support/queued-ids.ts';
import { amqpUrl, managementUrl, mongoUrl, needs } from '../support/servers.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const DELAY_PREFIX = 'millrace.delay';
const here = needs(amqpUrl, managementUrl, mongoUrl);
/** Tasks that run while their queue is deleted. */
const HELD = 10;
/** Two batches each: the tasks may arrive in as many reads, and become as many batches. */
const THREADS = HELD / 2;

test(
  'the queue is deleted under the worker: what it holds is finished, status says so, a sender brings the queue back',
  here,
  async (t) => {
    await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
    const job = await FaultJob.start(t, { broker: host.url, runtime: { threads: THREADS } });
    const held = await job.sender.sendAll('hold', HELD, (n) => ({ n, gate: job.gate }));
    await job.untilHolding(HELD);
    await host.deleteQueue(job.queue);
    await job.warned(/consumer interrupted: the broker cancelled the consumer of 'work'/);
    await job.warned(/cannot consume a queue, trying again .*E_BROKER_QUEUE_MISSING/);
    await job.until('status says so', (_, { health, problems }) => {
      return health === 'degraded' && problems.some((problem) => /queue 'work' has no consumer/.test(problem));
    });
    job.openGate();
    await job.until('what it held is finished', ({ stale }) => stale === HELD);
    await job.sender.sendAll('store', 100); // the first message finds no queue, the next one declares it
    assert.ok((job.sender.again.get('E_PUBLISH_UNROUTABLE') ?? 0) > 0, 'the sender was told');
    await job.until('it is well again', (stats, { health }) => health === 'ok' && stats.acked === 100);
    await job.sender.sendAll('falter', 5);
    await job.until('the way back from a delay is there again', ({ succeeded }) => succeeded === HELD + 105);
    const { stored } = await job.finish();
    assert.equal(stored.length, held.length + 105);
  },
);

test('the dead-letter exchange is deleted: failed messages reach the dead letters all the same', here, async (t) => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const job = await FaultJob.start(t, { broker: host.url });
  await job.sender.sendAll('store', 1); // the client declares only once
  await host.deleteExchange(DEAD_LETTER_EXCHANGE);
  const refused = await job.sender.sendAll('refuse', 10);
  await job.until('they are dead letters', ({ deadLettered }) => deadLettered === 10);
  const { deadLettered } = await job.finish();
  assert.deepEqual([...deadLettered].sort(), refused.sort());
});

test('the dead-letter queue is deleted: it is declared again with the next dead letter', here, async (t) => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const job = await FaultJob.start(t, { broker: host.url });
  await job.sender.sendAll('store', 1); // the client declares only once
  await host.deleteQueue(deadQueueName(job.queue));
  const refused = await job.sender.sendAll('refuse', 10);
  await job.warned(/dead letter.*not taken.*E_PUBLISH_UNROUTABLE/);
  const { deadLettered } = await job.finish();
  assert.deepEqual([...deadLettered].sort(), refused.sort());
});

test(
  'a delay level is deleted while it is empty, then the exchange before all levels: each comes back with the next retry',
  here,
  async (t) => {
    await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
    const job = await FaultJob.start(t, { broker: host.url });
    const lowest = levelName(DELAY_PREFIX, 0);
    await job.sender.sendAll('falter', 5);
    await job.until('they were retried', ({ succeeded }) => succeeded === 5);
    await host.deleteQueue(lowest);
    await job.sender.sendAll('falter', 5);
    await job.warned(/retry.*not taken.*E_PUBLISH_UNROUTABLE/);
    await job.until('they were retried', ({ succeeded }) => succeeded === 10);
    await host.deleteExchange(`${DELAY_PREFIX}.enter`);
    await job.sender.sendAll('falter', 5);
    await job.warned(/retry.*not taken.*NOT_FOUND/);
    await job.until('they were retried', ({ succeeded }) => succeeded === 15);
    const { stored } = await job.finish();
    assert.equal(stored.length, 15);
    assert.deepEqual(await queuedIds(host.url, lowest), []);
  },
);
