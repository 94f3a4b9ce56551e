/**
 * A task that holds its message longer than the broker allows (consumer_timeout, up to RabbitMQ 4.2): the broker closes
 * the channel and delivers everything on it again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RabbitServer } from '../../scripts/services/rabbitmq-server.ts';
import { FaultJob } from '../support/fault-job.ts';
import { allOf } from '../support/fault-options.ts';
import { mongoUrl, needs, needsOwn } from '../support/servers.ts';

const HELD = 5;
/** Two batches each, for the tasks at both times: they may arrive in as many reads, and become as many batches. */
const THREADS = HELD;
const NEIGHBOURS = 300;
const CONSUMER_TIMEOUT_MS = 2_000;
/** How often the broker looks at its channels; a minute unless configured. */
const LOOK_MS = 500;

test('consumer_timeout closes the channel: the messages come again, late acks harm nobody, each effect is there once', {
  ...allOf(needs(mongoUrl), needsOwn('rabbitmq')),
}, async (t) => {
  const rabbit = await RabbitServer.start();
  t.after(() => rabbit.remove());
  await rabbit.setVariable('consumer_timeout', CONSUMER_TIMEOUT_MS);
  await rabbit.setVariable('channel_tick_interval', LOOK_MS);
  const job = await FaultJob.open(t, { broker: rabbit.amqpUrl, runtime: { threads: THREADS } });
  await job.sender.sendAll('hold', HELD, (n) => ({ n, gate: job.gate }));
  await job.startWorker();
  await job.untilHolding(HELD);
  const neighbours = job.sender.sendAll('store', NEIGHBOURS);
  await job.warned(/consumer interrupted: .*(PRECONDITION_FAILED|406).*timed out/);
  await job.untilHolding(2 * HELD); // they run a second time, beside the first
  job.openGate();
  await neighbours;
  const { stored } = await job.finish();
  const { redelivered, stale, handlerCalls } = job.stats;
  t.diagnostic(`${redelivered} delivered again, ${stale} late acks, ${handlerCalls} calls`);
  assert.ok(redelivered >= HELD, 'the broker delivered them again');
  assert.ok(stale >= HELD, 'their first acks came too late');
  assert.equal(stored.length, HELD + NEIGHBOURS);
  assert.equal(job.status.broker.reconnects, 0, 'only the channel was lost');
});
