/** A link that is slow, or that cuts everything into single bytes, makes things late and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultJob } from '../support/fault-job.ts';
import { amqpUrl, managementUrl, mongoUrl, needs } from '../support/servers.ts';
import { type Direction, TcpProxy } from '../support/tcp-proxy.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const MESSAGES = 300;
const BYTES_PER_SECOND = 50_000;
const WAYS: readonly Direction[] = ['to-server', 'to-client'];
const here = needs(amqpUrl, managementUrl, mongoUrl);

test('a link that passes one byte at a time: no frame is misread, each message is stored once', here, async (t) => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const proxy = await TcpProxy.start(new URL(host.url).host);
  t.after(() => proxy.stop());
  proxy.slice(1);
  const through = proxy.through(host.url);
  const job = await FaultJob.start(t, { broker: host.url, clientBroker: through, workerBroker: through });
  const refused = await job.sender.sendAll('refuse', 10);
  await job.sender.sendAll('store', MESSAGES);
  // An empty queue says little here: what was pushed may still be on its way.
  await job.until('all are stored', ({ succeeded }) => succeeded >= MESSAGES);
  const { stored, deadLettered } = await job.finish();
  // The last bytes of a connection that is closed need not travel any more.
  for (const way of WAYS) assert.ok(proxy.pieces(way) > 0.99 * proxy.bytes(way), 'each byte travelled alone');
  assert.equal(stored.length, MESSAGES);
  assert.deepEqual([...deadLettered].sort(), refused.sort());
  assert.equal(job.status.broker.reconnects, 0);
});

test('a slow link with a short heartbeat: nobody is taken for dead, each message is stored once', here, async (t) => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const proxy = await TcpProxy.start(new URL(host.url).host);
  t.after(() => proxy.stop());
  const job = await FaultJob.open(t, { broker: host.url, workerBroker: `${proxy.through(host.url)}?heartbeat=1` });
  await job.sender.sendAll('store', 2 * MESSAGES, (n) => ({ n, padding: 'x'.repeat(400) }));
  const began = performance.now();
  proxy.throttle(BYTES_PER_SECOND);
  await job.startWorker();
  await job.until('all are stored', ({ succeeded }) => succeeded >= 2 * MESSAGES);
  const { stored } = await job.finish();
  const [ms, bytes] = [performance.now() - began, proxy.bytes('to-client')];
  t.diagnostic(`${bytes} bytes to the worker in ${Math.round(ms)} ms`);
  assert.ok(ms > 1000, 'slower than a heartbeat');
  assert.equal(stored.length, 2 * MESSAGES);
  assert.equal(job.status.broker.reconnects, 0);
  assert.equal(job.stats.redelivered, 0);
});
