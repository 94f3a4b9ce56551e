/** Queues that are full, or declared by somebody else with other arguments. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadQueueName } from '../../src/broker/topology.ts';
import { FaultJob } from '../support/fault-job.ts';
import { takeIds } from '../support/queued-ids.ts';
import { amqpUrl, managementUrl, mongoUrl, needs } from '../support/servers.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const ROOM = 5;
const MESSAGES = 50;
const PREFETCH = 20;
/** A queue that takes no more than so many, and says so to the publisher. */
const bounded = (limit: number): Record<string, unknown> => ({
  'x-queue-type': 'quorum',
  'x-max-length': limit,
  'x-overflow': 'reject-publish',
});
const here = needs(amqpUrl, managementUrl, mongoUrl);

test(
  'the dead-letter queue is full: consuming pauses, status and log say so, and it goes on when there is room',
  here,
  async (t) => {
    await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
    const dead = deadQueueName('work');
    await host.declareQueue(dead, bounded(ROOM));
    const job = await FaultJob.open(t, { broker: host.url, runtime: { prefetch: PREFETCH } });
    const refused = await job.sender.sendAll('refuse', MESSAGES);
    await job.sender.sendAll('store', MESSAGES);
    await job.startWorker();
    await job.warned(/a dead letter of queue 'work' is not taken.*the queue is paused/);
    await job.until('status says so', (_, { health, problems }) => {
      return (
        health === 'degraded' && problems.some((problem) => /dead letter of queue 'work' is not taken/.test(problem))
      );
    });
    assert.equal(job.stats.succeeded, 0, 'what comes behind waits');
    assert.ok(job.stats.received < MESSAGES, `${job.stats.received} received`);
    // What a person does who looks at them and takes them away; there is room for a few at a time only.
    const taken: string[] = [];
    while (taken.length < refused.length) taken.push(...(await takeIds(host.url, dead)));
    await job.until('it is well again', (_, { health }) => health === 'ok');
    assert.ok(
      job.log.some(({ message }) => /goes on: its follow-ups are taken/.test(message)),
      'the log says that it goes on',
    );
    const { stored } = await job.finish({ done: taken });
    assert.deepEqual(taken.sort(), refused.sort());
    assert.equal(stored.length, 2 * MESSAGES);
    assert.equal(job.stats.redelivered, 0, 'the messages stayed with the worker meanwhile');
  },
);

test('the queue is full: the sender is told of each message that is not taken, and sends it again', here, async (t) => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  await host.declareQueue('work', bounded(ROOM));
  const job = await FaultJob.open(t, { broker: host.url });
  // The queue tells its publishers afterwards that it is full: a burst may be taken whole, what comes next is not.
  const sent = job.sender.flow('store');
  await job.refused('E_PUBLISH_NACKED', MESSAGES);
  job.sender.stopFlow();
  const taken = job.sender.confirmed.length;
  await job.startWorker();
  await sent;
  assert.ok(job.sender.confirmed.length > taken, 'what was refused is taken when there is room');
  const { stored } = await job.finish();
  assert.equal(stored.length, job.sender.confirmed.length);
});

test('queues that somebody else declared with other arguments are used as they are', here, async (t) => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  await host.declareQueue('work', { 'x-queue-type': 'classic', 'x-max-priority': 5, 'x-message-ttl': 600_000 });
  await host.declareQueue(deadQueueName('work'), { 'x-queue-type': 'classic', 'x-queue-mode': 'lazy' });
  const job = await FaultJob.start(t, { broker: host.url });
  await job.sender.sendAll('store', MESSAGES);
  await job.sender.sendAll('falter', ROOM);
  const refused = await job.sender.sendAll('refuse', ROOM);
  await job.until('the retries are done', ({ succeeded }) => succeeded === MESSAGES + ROOM);
  const { stored, deadLettered } = await job.finish();
  assert.equal(stored.length, MESSAGES + ROOM);
  assert.deepEqual([...deadLettered].sort(), refused.sort());
});
