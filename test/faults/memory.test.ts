/** Memory is bounded in bytes whatever the message size. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { queueTopology } from '../../src/broker/topology.ts';
import { createClient } from '../../src/index.ts';
import { amqpUrl, needs } from '../support/servers.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const MIB = 1 << 20;
const MESSAGES = 2_000;
const CREDIT_MIB = 64;
/** What a worker may need beside its deliveries: code, heaps of three threads, socket buffers. */
const BESIDE_MIB = 200;

test('2,000 messages of 1 MiB need no more memory than the credit and a constant', needs(amqpUrl), async (t) => {
  const broker = amqpUrl as string;
  const admin = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [broker] });
  await admin.start();
  t.after(() => admin.stop());
  const empty = `memory-empty-${randomUUID()}`;
  const full = `memory-full-${randomUUID()}`;
  for (const queue of [empty, full]) await admin.declare(queueTopology(queue, 'quorum'));
  await using client = await createClient({ broker, window: 32 });
  const body = new Uint8Array(MIB).fill(7);
  for (let sent = 0; sent < MESSAGES; sent += 50) {
    await client.sendMany(
      'weigh',
      Array.from({ length: 50 }, () => body),
      { queue: full },
    );
  }

  const options = { broker, threads: 2, credit: { bytes: `${CREDIT_MIB}MiB` } } as const;
  const idle = await WorkerProcess.start({ ...options, queues: [empty] });
  const idleBytes = idle.rssBytes;
  await idle.terminate();

  const worker = await WorkerProcess.start({ ...options, queues: [full] });
  t.after(() => worker.kill());
  await worker.until('all are acked', (stats) => stats?.acked === MESSAGES);
  const above = (worker.peakRssBytes - idleBytes) / MIB;
  t.diagnostic(`idle ${Math.round(idleBytes / MIB)} MiB, peak ${Math.round(above)} MiB above it`);
  assert.equal(worker.stats?.deadLettered, 0);
  assert.equal((await worker.terminate()).code, 0);
  assert.equal(await admin.readyCount(full), 0);
  assert.ok(above <= CREDIT_MIB + BESIDE_MIB, `peak ${above} MiB above idle`);
});
