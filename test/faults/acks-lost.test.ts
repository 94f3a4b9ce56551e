/** Acks that are written and never received: the broker delivers again, and every effect is there once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultJob } from '../support/fault-job.ts';
import { faultRandom } from '../support/fault-seed.ts';
import { amqpUrl, managementUrl, mongoUrl, needs } from '../support/servers.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const MESSAGES = 4_000;
/** Given: one that is chosen begins small, and the order to raise it may be among what is lost. */
const PREFETCH = 1_000;
/** Less than the prefetch, so that the worker goes on for a while without being heard. */
const UNHEARD = 300;
/** basic.ack on the wire. */
const ACK_BYTES = 21;
const here = needs(amqpUrl, managementUrl, mongoUrl);

test('acks lost on the way: the messages are delivered and run again, each effect is there once', here, async (t) => {
  const random = faultRandom(t);
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const proxy = await TcpProxy.start(new URL(host.url).host);
  t.after(() => proxy.stop());
  const runtime = { prefetch: PREFETCH };
  const job = await FaultJob.open(t, { broker: host.url, workerBroker: proxy.through(host.url), runtime });
  await job.startWorker();
  // First, and to their end: dead letters that are not confirmed yet would pause the queue, and no more were acked.
  const refused = await job.sender.sendAll('refuse', 5);
  await job.until('they are dead letters', ({ acked }) => acked === refused.length);
  const counting = job.sender.sendAll('count', MESSAGES / 2);
  const storing = job.sender.sendAll('store', MESSAGES / 2);
  const mark = random.integer(1, MESSAGES / 2);
  await job.until(`${mark} are acked`, ({ acked }) => acked >= mark);
  const heard = job.stats.acked;
  proxy.blackHole({ direction: 'to-server' });
  await job.until('more is acked, unheard', ({ acked }) => acked >= heard + UNHEARD);
  await proxy.resume(); // resets what was caught
  const [counts] = await Promise.all([counting, storing]);
  const { stored, deadLettered } = await job.finish({ done: counts });
  const { redelivered, handlerCalls } = job.stats;
  t.diagnostic(`lost from ${heard} acks on; ${redelivered} delivered again, ${handlerCalls} calls`);
  assert.ok(redelivered >= UNHEARD, `${redelivered} came again`);
  assert.ok(handlerCalls >= MESSAGES + UNHEARD, 'they ran again');
  assert.equal(stored.length, MESSAGES);
  assert.equal(await job.counted(), counts.length, 'an increment is applied once');
  assert.deepEqual([...deadLettered].sort(), refused.sort());
});

test('a connection cut in the middle of an ack: what was acked stays acked, the rest comes again', here, async (t) => {
  const random = faultRandom(t);
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const proxy = await TcpProxy.start(new URL(host.url).host);
  t.after(() => proxy.stop());
  const job = await FaultJob.start(t, { broker: host.url, workerBroker: proxy.through(host.url) });
  const flowing = job.sender.flow('store');
  for (let cut = 1; cut <= 3; cut++) {
    const { acked } = job.stats;
    await job.until('acks flow', (stats) => stats.acked > acked + 100);
    const bytes = random.integer(1, 4) * ACK_BYTES + random.integer(1, ACK_BYTES);
    proxy.cutAfter('to-server', bytes);
    await job.until(`cut ${cut}, after ${bytes} bytes`, (_, { broker }) => broker.reconnects >= cut);
  }
  job.sender.stopFlow();
  await flowing;
  const { stored } = await job.finish();
  assert.ok(job.stats.redelivered > 0, 'something came again');
  assert.equal(stored.length, job.sender.confirmed.length);
});
