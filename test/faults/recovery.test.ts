/** The worker recovers by itself, and the ledger shows nothing lost and nothing stored twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { MongoServer } from '../../scripts/services/mongo-server.ts';
import { RabbitServer } from '../../scripts/services/rabbitmq-server.ts';
import { RecoveryJob } from '../support/recovery-job.ts';
import { amqpUrl, mongoUrl, needs, needsOwn } from '../support/servers.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** The same URL with another host and port. */
function through(url: string, proxy: TcpProxy): string {
  return url.replace(new URL(url).host, proxy.address);
}

/** A server of the test's own has no database in its path yet. */
function withDatabase(url: string): string {
  return url.replace('/?', '/recovery?');
}

test('connections reset while messages flow', needs(amqpUrl, mongoUrl), async () => {
  const [broker, store] = [amqpUrl as string, mongoUrl as string];
  const proxy = await TcpProxy.start(new URL(broker).host);
  const job = new RecoveryJob({ broker, store, workerBroker: through(broker, proxy) }, 60_000);
  const worker = await job.start();
  for (let resets = 1; resets <= 4; resets++) {
    await worker.until('messages flow', (stats) => (stats?.acked ?? 0) >= resets * 4_000);
    proxy.resetAll();
    await worker.until('it is back', (stats) => (stats?.reconnects ?? 0) >= resets);
  }
  const last = await job.finish();
  assert.ok(last.reconnects >= 4 && last.redelivered > 0, JSON.stringify(last));
  await proxy.stop();
});

test('a half-open connection is given up within twice the heartbeat', needs(amqpUrl, mongoUrl), async () => {
  const [broker, store] = [amqpUrl as string, mongoUrl as string];
  const proxy = await TcpProxy.start(new URL(broker).host);
  const workerBroker = `${through(broker, proxy)}?heartbeat=1`;
  const job = new RecoveryJob({ broker, store, workerBroker }, 60_000);
  const worker = await job.start();
  await worker.until('messages flow', (stats) => (stats?.acked ?? 0) >= 4_000);
  proxy.blackHole();
  await worker.until('the silence is noticed', (stats) => stats?.broker !== 'connected');
  await proxy.resume();
  const last = await job.finish();
  assert.ok(last.reconnects >= 1 && last.redelivered > 0, JSON.stringify(last));
  await proxy.stop();
});

test('the broker is killed and started again while messages flow', {
  ...needsOwn('rabbitmq'),
  ...needs(mongoUrl),
}, async () => {
  const rabbit = await RabbitServer.start();
  try {
    const job = new RecoveryJob({ broker: rabbit.amqpUrl, store: mongoUrl as string }, 60_000);
    const worker = await job.start();
    await worker.until('messages flow', (stats) => (stats?.acked ?? 0) >= 5_000);
    await rabbit.kill();
    await worker.until('the loss is noticed', (stats) => stats?.broker !== 'connected');
    await rabbit.start();
    await worker.until('it is back', (stats) => stats?.broker === 'connected');
    const last = await job.finish();
    assert.ok(last.reconnects >= 1 && last.redelivered > 0, JSON.stringify(last));
  } finally {
    await rabbit.remove();
  }
});

test('the store is stopped for ten seconds while messages flow', {
  ...needsOwn('mongodb'),
  ...needs(amqpUrl),
}, async () => {
  const mongo = await MongoServer.start();
  try {
    const job = new RecoveryJob({ broker: amqpUrl as string, store: withDatabase(mongo.url) }, 60_000);
    const worker = await job.start();
    await worker.until('messages flow', (stats) => (stats?.acked ?? 0) >= 5_000);
    await mongo.stop();
    await wait(10_000); // the outage's length is what is tested
    await mongo.start();
    const last = await job.finish();
    assert.equal(last.deadLettered, 0);
    assert.equal(last.redelivered, 0, 'the broker was not asked to deliver again');
  } finally {
    await mongo.remove();
  }
});
