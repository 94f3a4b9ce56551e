import assert from 'node:assert/strict';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { consume, fill, numbers, roundTrip, settled, toQueue } from './broker-rig.ts';
import type { BrokerCase } from './exercise-broker.ts';

export const recoveryCases: readonly BrokerCase[] = [
  [
    'an ack of an unknown tag closes the epoch, everything unacked comes back in the next one',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 5);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(5);
      const first = consumer.epoch;
      consumer.ack(first, 2, false);
      consumer.ack(first, 2, false);
      consumer.flush();
      await sink.received(9);
      assert.deepEqual(sink.texts.slice(5), ['0', '2', '3', '4']);
      assert.ok(sink.deliveries.slice(5).every(({ redelivered, epoch }) => redelivered && epoch > first));
      assert.equal(sink.deliveries[5]?.tag, 1);
      assert.equal(sink.closed.length, 1);
      assert.equal(sink.closed[0]?.epoch, first);
      assert.ok(isRuntimeError(sink.closed[0]?.reason, 'E_BROKER_CHANNEL_CLOSED'));
      assert.match(sink.closed[0]?.reason?.message ?? '', /406|PRECONDITION/i);
    },
  ],
  [
    'an ack of many that names a settled tag closes the epoch too',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 5);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(5);
      consumer.ack(consumer.epoch, 3, false);
      consumer.ack(consumer.epoch, 3, true);
      consumer.flush();
      await sink.until(() => sink.closed.length === 1);
      assert.ok(isRuntimeError(sink.closed[0]?.reason, 'E_BROKER_CHANNEL_CLOSED'));
      await sink.received(9);
    },
  ],
  [
    'acks of a dead epoch do nothing but count',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 3);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(3);
      const first = consumer.epoch;
      trial.rig.breakConnection(broker);
      await sink.received(6);
      consumer.ack(first, 1, false);
      consumer.ack(first, 3, true);
      consumer.nack(first, 2, true);
      consumer.flush();
      await roundTrip(trial, broker);
      assert.equal(consumer.staleAcks, 3);
      assert.equal(sink.closed.length, 1);
      await consumer.close();
      assert.equal(await broker.readyCount(queue), 3);
    },
  ],
  [
    'a lost connection ends the epoch, and the next one brings back what was unacked',
    async (trial) => {
      const lost: string[] = [];
      const broker = await trial.connect({ lost: (error) => lost.push(error.code) });
      const queue = await trial.queue(broker);
      await fill(broker, queue, 4);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(4);
      const first = consumer.epoch;
      consumer.ack(first, 1, false);
      consumer.flush();
      await roundTrip(trial, broker);
      trial.rig.breakConnection(broker);
      await sink.received(7);
      assert.deepEqual(sink.texts.slice(4), ['1', '2', '3']);
      assert.ok(sink.deliveries.slice(4).every(({ redelivered }) => redelivered));
      assert.equal(sink.closed.length, 1);
      assert.ok(isRuntimeError(sink.closed[0]?.reason));
      assert.equal(sink.closed[0]?.reason?.severity, 'connection');
      assert.equal(sink.opened.length, 2);
      assert.equal(lost.length, 1);
      assert.equal(broker.health().reconnects, 1);
      assert.equal(broker.health().state, 'connected');
    },
  ],
  [
    'acks that were not flushed when the connection went are dropped',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 2);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(2);
      consumer.ack(consumer.epoch, 2, true);
      trial.rig.breakConnection(broker);
      await sink.received(4);
      assert.deepEqual(sink.texts, ['0', '1', '0', '1']);
    },
  ],
  [
    'a cancelled consumer does not come back after a lost connection',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 2);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(2);
      await consumer.cancel();
      trial.rig.breakConnection(broker);
      await sink.until(() => sink.closed.length === 1);
      const other = await consume(broker, queue, 100);
      await other.sink.received(2);
      await roundTrip(trial, broker);
      assert.equal(sink.opened.length, 1);
      assert.equal(consumer.epoch, 0);
      await consumer.close();
    },
  ],
  [
    'consumers of one broker have epochs of their own: the error of one leaves the other alone',
    async (trial) => {
      const broker = await trial.connect();
      const [a, b] = [await trial.queue(broker), await trial.queue(broker)];
      await fill(broker, a, 1);
      await fill(broker, b, 1);
      const first = await consume(broker, a, 10);
      const second = await consume(broker, b, 10);
      await first.sink.received(1);
      await second.sink.received(1);
      first.consumer.ack(first.consumer.epoch, 77, false);
      first.consumer.flush();
      await first.sink.received(2);
      assert.deepEqual(second.sink.closed, []);
      second.consumer.ack(second.consumer.epoch, 1, true);
      await second.consumer.close();
      assert.equal(await broker.readyCount(b), 0);
    },
  ],
  [
    'a deleted queue cancels its consumer, which comes back when the queue is declared again',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 2);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(2);
      await trial.rig.deleteQueue(queue);
      await sink.until(() => sink.closed.length === 1);
      assert.ok(isRuntimeError(sink.closed[0]?.reason, 'E_BROKER_CONSUMER_CANCELLED'), String(sink.closed[0]?.reason));
      assert.equal(consumer.epoch, 0);
      assert.equal(broker.health().state, 'connected');
      await trial.declare(broker, { queues: [{ name: queue, arguments: {} }] });
      await fill(broker, queue, 1, 2);
      await sink.received(3);
      assert.equal(sink.deliveries[2]?.body.toString(), '2');
      assert.equal(sink.deliveries[2]?.redelivered, false);
      assert.equal(sink.deliveries[2]?.tag, 1);
    },
  ],
  [
    'a consumer can be closed while its queue is gone',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const { consumer, sink } = await consume(broker, queue, 100);
      await trial.rig.deleteQueue(queue);
      await sink.until(() => sink.closed.length === 1);
      await consumer.close();
      await trial.declare(broker, { queues: [{ name: queue, arguments: {} }] });
      await fill(broker, queue, 1);
      await roundTrip(trial, broker);
      assert.deepEqual(sink.deliveries, []);
      assert.equal(await broker.readyCount(queue), 1);
    },
  ],
  [
    'publishing goes on after a lost connection, and everything confirmed is in the queue',
    async (trial) => {
      const broker = await trial.connect();
      const watching = await trial.connect();
      const queue = await trial.queue(watching);
      const publisher = await broker.publisher({ window: 20 });
      const { sink } = await consume(watching, queue, 1000);
      const confirmed: string[] = [];
      const outcomes = await Promise.all(
        numbers(300).map(async (number, index) => {
          if (index === 5) trial.rig.breakConnection(broker);
          const outcome = await settled(publisher.publish(toQueue(queue, number)));
          if (outcome === 'confirmed') confirmed.push(number);
          return outcome;
        }),
      );
      assert.ok(
        outcomes.every((outcome) => outcome === 'confirmed' || outcome === 'E_PUBLISH_UNCONFIRMED'),
        outcomes.join(' '),
      );
      assert.ok(confirmed.length >= 270, `only ${confirmed.length} confirmed: more was in flight than the window`);
      await sink.until(() => confirmed.every((number) => sink.texts.includes(number)));
      await publisher.publish(toQueue(queue, 'after'));
      await sink.until(() => sink.texts.includes('after'));
    },
  ],
  [
    'a broker can be stopped while its connection is away',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const { sink } = await consume(broker, queue, 10);
      const publisher = await broker.publisher({ window: 1 });
      trial.rig.breakConnection(broker);
      const outcomes = numbers(3).map((number) => settled(publisher.publish(toQueue(queue, number))));
      await broker.stop();
      assert.equal(broker.health().state, 'stopped');
      await sink.until(() => sink.closed.length === 1);
      for (const outcome of await Promise.all(outcomes)) assert.match(outcome, /^(confirmed|E_)/);
    },
  ],
];
