import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryBroker } from '../../../../src/broker/memory/memory-broker.ts';
import { isRuntimeError } from '../../../../src/errors/runtime-error.ts';
import { RecordingSink } from '../../../support/recording-sink.ts';

const queueSpec = { exchanges: [], bindings: [], queues: [{ name: 'q', arguments: {} }] };
const message = (text: string) => ({ exchange: '', routingKey: 'q', properties: {}, body: Buffer.from(text) });

async function started(): Promise<MemoryBroker> {
  const broker = new MemoryBroker();
  await broker.start();
  await broker.declare(queueSpec);
  return broker;
}

describe('MemoryBroker', () => {
  test('a connection lost before the confirm leaves the message unconfirmed, though it is stored', async () => {
    const broker = await started();
    const publisher = await broker.publisher({ window: 1 });
    const first = publisher.publish(message('in flight'));
    const second = publisher.publish(message('waits for room'));
    broker.loseConnection();
    await assert.rejects(first, (error) => isRuntimeError(error, 'E_PUBLISH_UNCONFIRMED'));
    assert.equal(await broker.readyCount('q'), 1);
    assert.equal(broker.health().state, 'waiting');
    broker.restoreConnection();
    await second;
    assert.equal(await broker.readyCount('q'), 2);
    await broker.stop();
  });

  test('a consumer waits for a connection that is away', async () => {
    const broker = await started();
    broker.loseConnection();
    const sink = new RecordingSink();
    const consuming = broker.consume({ queue: 'q', prefetch: 1 }, sink);
    assert.deepEqual(sink.opened, []);
    broker.restoreConnection();
    await consuming;
    assert.deepEqual(sink.opened, [1]);
    await broker.stop();
  });

  test('a consumer that waits for its connection is given up when the broker stops', async () => {
    const broker = await started();
    broker.loseConnection();
    const consuming = broker.consume({ queue: 'q', prefetch: 1 }, new RecordingSink());
    const refused = assert.rejects(consuming, (error) => isRuntimeError(error, 'E_STATE'));
    await new Promise(setImmediate);
    await broker.stop();
    await refused;
  });

  test('acks between the refusal of a tag and the news of it are dropped with their epoch', async () => {
    const broker = await started();
    const publisher = await broker.publisher({ window: 9 });
    await Promise.all(['a', 'b', 'c'].map((text) => publisher.publish(message(text))));
    const sink = new RecordingSink();
    const consumer = await broker.consume({ queue: 'q', prefetch: 9 }, sink);
    await sink.received(3);
    consumer.ack(1, 9, false);
    consumer.ack(1, 1, false);
    consumer.flush();
    assert.equal(consumer.epoch, 1, 'the consumer does not know yet');
    consumer.ack(1, 2, false);
    consumer.flush();
    await sink.received(6);
    assert.deepEqual(sink.texts.slice(3), ['a', 'b', 'c']);
    assert.equal(consumer.staleAcks, 2);
    await broker.stop();
  });

  test('a consumer cancelled after the refusal of a tag opens no other epoch', async () => {
    const broker = await started();
    const sink = new RecordingSink();
    const consumer = await broker.consume({ queue: 'q', prefetch: 9 }, sink);
    consumer.ack(1, 9, false);
    consumer.flush();
    await consumer.cancel();
    await sink.until(() => sink.closed.length === 1);
    assert.ok(isRuntimeError(sink.closed[0]?.reason, 'E_BROKER_CHANNEL_CLOSED'));
    assert.deepEqual(sink.opened, [1]);
    assert.equal(consumer.epoch, 0);
    await broker.stop();
  });

  test('a body may be changed once its publish has resolved', async () => {
    const broker = await started();
    const publisher = await broker.publisher({ window: 1 });
    const body = Buffer.from('before');
    await publisher.publish({ ...message(''), body });
    body.fill('x');
    const sink = new RecordingSink();
    await broker.consume({ queue: 'q', prefetch: 1 }, sink);
    await sink.received(1);
    assert.deepEqual(sink.texts, ['before']);
    await broker.stop();
  });

  test('a stopped broker cannot be started again', async () => {
    const broker = await started();
    await broker.stop();
    await assert.rejects(broker.start(), (error) => isRuntimeError(error, 'E_STATE'));
  });

  test('messages deleted with their queue do not come from one declared anew under its name', async () => {
    const broker = await started();
    const sink = new RecordingSink();
    await broker.consume({ queue: 'q', prefetch: 10 }, sink);
    const publisher = await broker.publisher({ window: 10 });
    const deleted = publisher.publish(message('deleted'));
    broker.deleteQueue('q');
    const declared = broker.declare(queueSpec); // at once: the old queue has a push planned for the next macrotask
    await Promise.all([deleted, declared]);
    await publisher.publish(message('kept'));
    await sink.received(1);
    assert.deepEqual(
      sink.deliveries.map(({ body }) => body.toString()),
      ['kept'],
    );
    await broker.stop();
  });

  test('a queue of 100,000 messages leaves the event loop free while it is drained', async () => {
    const broker = await started();
    const publisher = await broker.publisher({ window: 65_535 });
    for (let sent = 0; sent < 100_000; sent += 10_000) {
      await Promise.all(Array.from({ length: 10_000 }, () => publisher.publish(message('x'))));
    }
    let turns = 0;
    let seen = 0;
    let draining = true;
    const count = (): void => {
      turns++;
      if (draining) setImmediate(count);
    };
    setImmediate(count);
    await new Promise<void>((resolve, reject) => {
      const sink = {
        epochOpened: () => {},
        deliver: () => void seen++,
        readEnded: () => {
          if (seen === 100_000) resolve();
        },
        epochClosed: () => {},
      };
      broker.consume({ queue: 'q', prefetch: 65_535 }, sink).then((consumer) => {
        sink.readEnded = () => {
          consumer.ack(1, seen, true);
          consumer.flush();
          if (seen === 100_000) resolve();
        };
      }, reject);
    });
    draining = false;
    assert.ok(turns >= 100_000 / 256 - 1, `${turns} turns of the event loop`);
    await broker.stop();
  });
});
