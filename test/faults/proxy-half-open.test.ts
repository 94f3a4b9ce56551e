/** Connections that are open on one side only, or in one direction only, are found out, and nothing is lost. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FaultJob } from '../support/fault-job.ts';
import { faultRandom } from '../support/fault-seed.ts';
import { amqpUrl, managementUrl, mongoUrl, needs } from '../support/servers.ts';
import { type Direction, TcpProxy } from '../support/tcp-proxy.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const MESSAGES = 4_000;
const here = needs(amqpUrl, managementUrl, mongoUrl);

/** Runs the job with a worker behind a proxy that swallows the bytes of one direction from a random moment on. */
async function loseDirection(t: TestContext, direction: Direction): Promise<void> {
  const random = faultRandom(t);
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const proxy = await TcpProxy.start(new URL(host.url).host);
  t.after(() => proxy.stop());
  const workerBroker = `${proxy.through(host.url)}?heartbeat=1`;
  const job = await FaultJob.start(t, { broker: host.url, workerBroker });
  const flowing = job.sender.sendAll('store', MESSAGES);
  const mark = random.integer(1, MESSAGES / 2);
  await job.until(`${mark} are acked`, ({ acked }) => acked >= mark);
  proxy.blackHole({ direction });
  const swallowed = proxy.bytes(direction);
  await job.until('the silence is noticed', (_, { broker }) => broker.state !== 'connected');
  assert.ok(proxy.bytes(direction) > swallowed, 'bytes were lost');
  assert.equal(job.status.health, 'degraded');
  await proxy.resume();
  await flowing;
  const { stored } = await job.finish();
  assert.equal(stored.length, MESSAGES);
  assert.ok(job.status.broker.reconnects >= 1 && job.stats.redelivered > 0, JSON.stringify(job.stats));
}

test('half-open towards the broker: acks reach nobody, the messages come again, each is stored once', here, (t) =>
  loseDirection(t, 'to-server'),
);

test(
  'half-open towards the worker: it hears nothing, gives the connection up, each message is stored once',
  here,
  (t) => loseDirection(t, 'to-client'),
);
