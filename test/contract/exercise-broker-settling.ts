import assert from 'node:assert/strict';
import { DEAD_LETTER_EXCHANGE, deadQueueName, queueTopology } from '../../src/broker/topology.ts';
import { consume, fill, numbers, roundTrip } from './broker-rig.ts';
import type { BrokerCase } from './exercise-broker.ts';

/** What becomes of a delivery: acked, given back, dead-lettered, dropped. */
export const settlingCases: readonly BrokerCase[] = [
  [
    'an ack of many settles everything up to its tag, and nothing above it',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 10);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(10);
      consumer.ack(consumer.epoch, 7, true);
      await consumer.close();
      const rest = await consume(broker, queue, 100);
      await rest.sink.received(3);
      assert.deepEqual(rest.sink.texts, ['7', '8', '9']);
    },
  ],
  [
    'acks in any order settle exactly what they name; the rest comes back in order and redelivered',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 8);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(8);
      for (const tag of [5, 2, 8, 3]) consumer.ack(consumer.epoch, tag, false);
      consumer.flush();
      await consumer.close();
      const rest = await consume(broker, queue, 100);
      await rest.sink.received(4);
      assert.deepEqual(rest.sink.texts, ['0', '3', '5', '6']);
      assert.ok(rest.sink.deliveries.every(({ redelivered }) => redelivered));
    },
  ],
  [
    'what comes back goes before what was never delivered',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 6);
      const { consumer, sink } = await consume(broker, queue, 3);
      await sink.received(3);
      await consumer.close();
      const rest = await consume(broker, queue, 100);
      await rest.sink.received(6);
      assert.deepEqual(rest.sink.texts, numbers(6));
      assert.deepEqual(
        rest.sink.deliveries.map(({ redelivered }) => redelivered),
        [true, true, true, false, false, false],
      );
    },
  ],
  [
    'acks that were not flushed are written by close',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 3);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(3);
      consumer.ack(consumer.epoch, 2, true);
      await consumer.close();
      const rest = await consume(broker, queue, 100);
      await rest.sink.received(1);
      await roundTrip(trial, broker);
      assert.deepEqual(rest.sink.texts, ['2']);
    },
  ],
  [
    'all acks reach a quorum queue, however many were written one by one before the consumer closes',
    async (trial) => {
      const broker = await trial.connect();
      // Several times: where acks are lost, it is only while the queue is busy with the first of them.
      for (let turn = 0; turn < 3; turn++) {
        const queue = await trial.queue(broker, { 'x-queue-type': 'quorum' });
        await fill(broker, queue, 800);
        const { consumer, sink } = await consume(broker, queue, 800);
        await sink.received(800);
        for (let tag = 1; tag <= 800; tag += 2) consumer.ack(consumer.epoch, tag, false);
        await consumer.close();
        const rest = await consume(broker, queue, 1_000);
        await rest.sink.received(400);
        await roundTrip(trial, broker);
        assert.deepEqual(
          rest.sink.texts,
          numbers(800).filter((_, index) => index % 2 === 1),
        );
      }
    },
  ],
  [
    'a nack with requeue delivers the message again, marked as redelivered',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 2);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(2);
      consumer.nack(consumer.epoch, 1, true);
      consumer.flush();
      await sink.received(3);
      const again = sink.deliveries[2];
      assert.equal(again?.body.toString(), '0');
      assert.equal(again?.redelivered, true);
      assert.equal(again?.tag, 3);
    },
  ],
  [
    'a quorum queue counts how often a message came back',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker, { 'x-queue-type': 'quorum' });
      await fill(broker, queue, 1);
      const { consumer, sink } = await consume(broker, queue, 100);
      for (let turn = 1; turn <= 2; turn++) {
        await sink.received(turn);
        consumer.nack(consumer.epoch, turn, true);
        consumer.flush();
      }
      await sink.received(3);
      assert.deepEqual(
        sink.deliveries.map(({ properties }) => properties.headers?.['x-delivery-count']),
        [undefined, 1, 2],
      );
      assert.equal(sink.deliveries[2]?.body.toString(), '0');
    },
  ],
  [
    'a nack without requeue sends the message to the dead-letter queue with the reason',
    async (trial) => {
      const broker = await trial.connect();
      const queue = trial.name('queue');
      await trial.declare(broker, queueTopology(queue, 'classic'));
      await fill(broker, queue, 3);
      const { consumer, sink } = await consume(broker, queue, 100);
      const dead = await consume(broker, deadQueueName(queue), 100);
      await sink.received(3);
      consumer.nack(consumer.epoch, 2, false);
      consumer.ack(consumer.epoch, 3, true);
      consumer.flush();
      await dead.sink.received(1);
      const letter = dead.sink.deliveries[0];
      assert.equal(letter?.body.toString(), '1');
      assert.equal(letter?.properties.deliveryMode, 2);
      assert.equal(letter?.properties.headers?.['x-first-death-queue'], queue);
      assert.equal(letter?.properties.headers?.['x-first-death-reason'], 'rejected');
      const deaths = letter?.properties.headers?.['x-death'] as readonly Record<string, unknown>[] | undefined;
      const death = deaths?.[0];
      assert.equal(death?.['count'], 1);
      assert.equal(death?.['reason'], 'rejected');
      assert.deepEqual(death?.['routing-keys'], [queue]);
      assert.equal(await broker.readyCount(queue), 0);
    },
  ],
  [
    'the dead-letter exchange is durable and shared by queues',
    async (trial) => {
      const broker = await trial.connect();
      const [a, b] = [trial.name('queue'), trial.name('queue')];
      await trial.declare(broker, queueTopology(a, 'classic'));
      await trial.declare(broker, queueTopology(b, 'classic'));
      await fill(broker, b, 1);
      const { consumer, sink } = await consume(broker, b, 10);
      const dead = await consume(broker, deadQueueName(b), 10);
      await sink.received(1);
      consumer.nack(consumer.epoch, 1, false);
      consumer.flush();
      await dead.sink.received(1);
      assert.equal(await broker.readyCount(deadQueueName(a)), 0);
      assert.equal(dead.sink.deliveries[0]?.properties.headers?.['x-first-death-exchange'], '');
      assert.notEqual(DEAD_LETTER_EXCHANGE, '');
    },
  ],
  [
    'a nack without requeue drops the message where there is no dead-letter exchange',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 2);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(2);
      consumer.nack(consumer.epoch, 1, false);
      await consumer.close();
      const rest = await consume(broker, queue, 100);
      await rest.sink.received(1);
      await roundTrip(trial, broker);
      assert.deepEqual(rest.sink.texts, ['1']);
    },
  ],
];
