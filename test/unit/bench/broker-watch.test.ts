import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokerWatch } from '../../../bench/harness/broker-watch.ts';
import type { Broker, Consumer } from '../../../src/broker/broker.ts';
import { createEmbedded } from '../../../src/runtime/embedded.ts';
import { deferred } from '../../../src/support/deferred.ts';

const QUEUES = ['watched', 'other'];

interface Rig {
  readonly broker: Broker;
  readonly watch: BrokerWatch;
  /** Consumes; resolves when all messages are delivered. */
  consume(queue: string): Promise<Consumer>;
}

/** Two queues with so many messages each. */
async function rig(messages: number): Promise<Rig> {
  const broker = createEmbedded().connect();
  await broker.start();
  await broker.declare({
    exchanges: [],
    queues: QUEUES.map((name) => ({ name, arguments: {} })),
    bindings: [],
  });
  const publisher = await broker.publisher({ window: 10 });
  for (const routingKey of QUEUES) {
    for (let n = 0; n < messages; n++) {
      await publisher.publish({ exchange: '', routingKey, properties: {}, body: Buffer.from('x') });
    }
  }
  const watch = new BrokerWatch({ queue: 'watched', messages });
  watch.watch(broker);
  return {
    broker,
    watch,
    async consume(queue) {
      const all = deferred<void>();
      let delivered = 0;
      const consumer = await broker.consume(
        { queue, prefetch: 100 },
        {
          epochOpened() {},
          deliver() {
            if (++delivered === messages) all.resolve();
          },
          readEnded() {},
          epochClosed() {},
        },
      );
      await all.promise;
      return consumer;
    },
  };
}

test('time runs from consuming to the flush of the last ack, and the acks are those of the broker', async () => {
  const { broker, watch, consume } = await rig(5);
  assert.equal(watch.startMs, 0);
  const consumer = await consume('watched');
  assert.ok(watch.startMs > 0);
  consumer.ack(consumer.epoch, 3, true);
  consumer.ack(consumer.epoch, 5, false);
  assert.equal(watch.acked, 0);
  consumer.flush();
  assert.deepEqual([watch.acked, watch.cpuMicros], [4, 0]);
  consumer.ack(consumer.epoch, 4, false);
  consumer.flush();
  await watch.allAcked;
  assert.deepEqual([watch.acked, watch.unknownTags, watch.nacked], [5, 0, 0]);
  assert.ok(watch.endMs >= watch.startMs && watch.cpuMicros > 0);
  await consumer.close();
  assert.equal(await broker.readyCount('watched'), 0);
  await broker.stop();
});

test('an ack of a tag that is not outstanding and a nack are counted', async () => {
  const { broker, watch, consume } = await rig(2);
  const consumer = await consume('watched');
  consumer.nack(consumer.epoch, 1, false);
  consumer.ack(consumer.epoch, 2, false);
  consumer.ack(consumer.epoch, 2, false);
  consumer.flush();
  assert.deepEqual([watch.acked, watch.unknownTags, watch.nacked], [1, 1, 1]);
  await broker.stop();
});

test('what is consumed from another queue does not count', async () => {
  const { broker, watch, consume } = await rig(2);
  const consumer = await consume('other');
  consumer.ack(consumer.epoch, 2, true);
  consumer.flush();
  assert.deepEqual([watch.acked, watch.startMs], [0, 0]);
  await broker.stop();
});
