import assert from 'node:assert/strict';
import { consume, fill, numbers, rejectsWith, roundTrip } from './broker-rig.ts';
import type { BrokerCase } from './exercise-broker.ts';

export const consumerCases: readonly BrokerCase[] = [
  [
    'consuming from a queue that does not exist is E_BROKER_QUEUE_MISSING',
    async (trial) => {
      const broker = await trial.connect();
      await rejectsWith(consume(broker, trial.name('nowhere'), 10), 'E_BROKER_QUEUE_MISSING');
      assert.equal(broker.health().state, 'connected');
    },
  ],
  [
    'a prefetch outside 1 to 65535 is E_OPTION_RANGE',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      for (const prefetch of [0, 65_536, 2.5]) await rejectsWith(consume(broker, queue, prefetch), 'E_OPTION_RANGE');
    },
  ],
  [
    'an epoch is open before the first delivery, and its tags count from 1 without gaps',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 30);
      const { consumer, sink } = await consume(broker, queue, 100);
      assert.equal(sink.opened.length, 1);
      assert.equal(consumer.epoch, sink.opened[0]);
      assert.ok(consumer.epoch > 0);
      assert.equal(consumer.queue, queue);
      await sink.received(30);
      assert.deepEqual(
        sink.deliveries.map(({ tag }) => tag),
        Array.from({ length: 30 }, (_, index) => index + 1),
      );
      assert.deepEqual(sink.texts, numbers(30));
      assert.ok(sink.deliveries.every(({ redelivered, epoch }) => !redelivered && epoch === consumer.epoch));
    },
  ],
  [
    'every delivery is followed by the end of its read',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const { sink } = await consume(broker, queue, 100);
      await fill(broker, queue, 10);
      await sink.until(() => sink.readEnds.at(-1) === 10);
    },
  ],
  [
    'no more than the prefetch is unacked, and an ack makes room',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 20);
      const { consumer, sink } = await consume(broker, queue, 5);
      await sink.received(5);
      await roundTrip(trial, broker);
      assert.equal(sink.deliveries.length, 5);
      consumer.ack(consumer.epoch, 2, false);
      consumer.flush();
      await sink.received(6);
      await roundTrip(trial, broker);
      assert.equal(sink.deliveries.length, 6);
      consumer.ack(consumer.epoch, 6, true);
      consumer.flush();
      await sink.received(11);
      await roundTrip(trial, broker);
      assert.equal(sink.deliveries.length, 11);
    },
  ],
  [
    'after cancel nothing is delivered, and what was delivered can still be acked',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 2);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(2);
      await consumer.cancel();
      await consumer.cancel();
      await fill(broker, queue, 2, 2);
      await roundTrip(trial, broker);
      assert.equal(sink.deliveries.length, 2);
      assert.equal(sink.closed.length, 0);
      assert.ok(consumer.epoch > 0);
      consumer.ack(consumer.epoch, 2, true);
      consumer.flush();
      await consumer.close();
      assert.equal(await broker.readyCount(queue), 2);
      assert.equal(consumer.staleAcks, 0);
    },
  ],
  [
    'after cancel a message can still be given back',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 3);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(3);
      await consumer.cancel();
      for (const tag of [3, 1, 2]) consumer.nack(consumer.epoch, tag, true);
      consumer.flush();
      const rest = await consume(broker, queue, 100);
      await rest.sink.received(3);
      assert.deepEqual([...rest.sink.texts].sort(), numbers(3));
      await consumer.close();
      await roundTrip(trial, broker);
      assert.equal(rest.sink.deliveries.length, 3);
    },
  ],
  [
    'close returns what is unacked, ends the epoch without a reason and opens no other',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 4);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(4);
      const { epoch } = consumer;
      await Promise.all([consumer.close(), consumer.close()]);
      await consumer.close();
      assert.deepEqual(sink.closed, [{ epoch, reason: undefined }]);
      assert.deepEqual(sink.opened, [epoch]);
      assert.equal(consumer.epoch, 0);
      assert.equal(await broker.readyCount(queue), 4);
      consumer.ack(epoch, 1, false);
      consumer.flush();
      assert.equal(consumer.staleAcks, 1);
      assert.equal(await broker.readyCount(queue), 4);
    },
  ],
  [
    'consumers of one queue get different messages, each a share',
    async (trial) => {
      const [one, two] = [await trial.connect(), await trial.connect()];
      const queue = await trial.queue(one);
      const first = await consume(one, queue, 10);
      const second = await consume(two, queue, 10);
      for (const { consumer, sink } of [first, second]) {
        sink.onDelivery = ({ epoch, tag }) => consumer.ack(epoch, tag, false);
        sink.onReadEnd = () => consumer.flush();
      }
      await fill(one, queue, 400);
      const both = (): readonly string[] => [...first.sink.texts, ...second.sink.texts];
      const all = (): boolean => both().length >= 400;
      await Promise.race([first.sink.until(all), second.sink.until(all)]);
      assert.deepEqual(
        [...both()].sort((a, b) => Number(a) - Number(b)),
        numbers(400),
      );
      assert.ok(first.sink.deliveries.length >= 50, `first got ${first.sink.deliveries.length}`);
      assert.ok(second.sink.deliveries.length >= 50, `second got ${second.sink.deliveries.length}`);
    },
  ],
  [
    'consumers with room take turns',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const consumers = [
        await consume(broker, queue, 2),
        await consume(broker, queue, 2),
        await consume(broker, queue, 2),
      ];
      await fill(broker, queue, 6);
      await Promise.all(consumers.map(({ sink }) => sink.received(2)));
      await roundTrip(trial, broker);
      for (const { sink } of consumers) assert.equal(sink.deliveries.length, 2);
    },
  ],
  [
    'a backlog larger than the prefetch is drained exactly once with acks of many',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 5000);
      const { consumer, sink } = await consume(broker, queue, 300);
      sink.ackAllOf(consumer);
      await sink.until(() => sink.readEnds.at(-1) === 5000);
      await consumer.close();
      assert.deepEqual(sink.texts, numbers(5000));
      assert.equal(await broker.readyCount(queue), 0);
    },
  ],
  [
    'while paused nothing is delivered and acks go out; resume delivers what waited',
    async (trial) => {
      const broker = await trial.connect();
      const other = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(other, queue, 5);
      const { consumer, sink } = await consume(broker, queue, 100);
      await sink.received(5);
      broker.pause();
      broker.pause();
      await roundTrip(trial, other);
      consumer.ack(consumer.epoch, 5, true);
      consumer.flush();
      await fill(other, queue, 5, 5);
      await roundTrip(trial, other);
      assert.equal(sink.deliveries.length, 5);
      broker.resume();
      broker.resume();
      await sink.received(10);
      assert.deepEqual(sink.texts, numbers(10));
      await consumer.close();
      const rest = await consume(other, queue, 100);
      await rest.sink.received(5);
      assert.deepEqual(rest.sink.texts, numbers(5, 5));
    },
  ],
  [
    'resize consumes again with the new prefetch, in a new epoch',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 10);
      const { consumer, sink } = await consume(broker, queue, 2);
      await sink.received(2);
      const first = consumer.epoch;
      consumer.ack(first, 1, false);
      await consumer.resize(4);
      assert.ok(consumer.epoch > first);
      assert.deepEqual(sink.closed, [{ epoch: first, reason: undefined }]);
      await sink.received(6);
      await roundTrip(trial, broker);
      assert.deepEqual(sink.texts, ['0', '1', '1', '2', '3', '4']);
      assert.deepEqual(sink.opened, [first, consumer.epoch]);
    },
  ],
  [
    'adjust takes a larger prefetch in the same epoch, and what is unacked stays with the consumer',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 20);
      const { consumer, sink } = await consume(broker, queue, 2);
      await sink.received(2);
      const { epoch } = consumer;
      await consumer.adjust(8);
      await sink.received(8);
      await roundTrip(trial, broker);
      assert.equal(sink.deliveries.length, 8);
      consumer.ack(epoch, 8, true);
      consumer.flush();
      await sink.received(16);
      await roundTrip(trial, broker);
      assert.equal(sink.deliveries.length, 16);
      consumer.ack(epoch, 16, true);
      consumer.flush();
      await sink.received(20);
      assert.deepEqual(sink.texts, numbers(20));
      assert.ok(sink.deliveries.every(({ tag, redelivered }, index) => tag === index + 1 && !redelivered));
      assert.deepEqual([sink.opened, sink.closed, consumer.staleAcks], [[epoch], [], 0]);
    },
  ],
  [
    'adjust to less changes nothing in this epoch',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 30);
      const { consumer, sink } = await consume(broker, queue, 10);
      await sink.received(10);
      await consumer.adjust(3);
      consumer.ack(consumer.epoch, 10, true);
      consumer.flush();
      await sink.received(20);
      await roundTrip(trial, broker);
      assert.equal(sink.deliveries.length, 20);
    },
  ],
  [
    'adjustments that follow each other, and a cancel right behind them, lose and repeat nothing',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      await fill(broker, queue, 40);
      const { consumer, sink } = await consume(broker, queue, 3);
      await sink.received(3);
      const adjusted = [5, 9, 1, 6].map((prefetch) => consumer.adjust(prefetch));
      await consumer.cancel();
      await Promise.all(adjusted);
      await consumer.adjust(20);
      await roundTrip(trial, broker);
      const got = sink.deliveries.length;
      assert.deepEqual(sink.texts, numbers(got));
      consumer.ack(consumer.epoch, got, true);
      consumer.flush();
      await consumer.close();
      const rest = await consume(broker, queue, 100);
      await rest.sink.received(40 - got);
      assert.deepEqual(rest.sink.texts, numbers(40 - got, got));
      assert.ok(rest.sink.deliveries.every(({ redelivered }) => !redelivered));
    },
  ],
  [
    'the next epoch has the prefetch that was adjusted',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const { consumer, sink } = await consume(broker, queue, 2);
      await consumer.adjust(5);
      await consumer.resize(5);
      await fill(broker, queue, 10);
      await sink.received(5);
      await roundTrip(trial, broker);
      assert.equal(sink.deliveries.length, 5);
    },
  ],
];
