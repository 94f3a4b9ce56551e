import assert from 'node:assert/strict';
import { queueTopology } from '../../src/broker/topology.ts';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { consume, fill, rejectsWith, toQueue } from './broker-rig.ts';
import type { BrokerCase } from './exercise-broker.ts';

export const topologyCases: readonly BrokerCase[] = [
  [
    'a declared queue is there and empty',
    async (trial) => {
      const broker = await trial.connect();
      assert.equal(await broker.readyCount(await trial.queue(broker)), 0);
    },
  ],
  [
    'a queue that does not exist is E_BROKER_QUEUE_MISSING, and the broker stays usable',
    async (trial) => {
      const broker = await trial.connect();
      await rejectsWith(broker.readyCount(trial.name('nowhere')), 'E_BROKER_QUEUE_MISSING');
      await rejectsWith(broker.readyCount(trial.name('nowhere')), 'E_BROKER_QUEUE_MISSING');
      assert.equal(await broker.readyCount(await trial.queue(broker)), 0);
    },
  ],
  [
    'declaring the same topology again changes nothing',
    async (trial) => {
      const broker = await trial.connect();
      const queue = trial.name('queue');
      const topology = queueTopology(queue, 'quorum');
      const declare = (): Promise<void> => trial.declare(broker, { ...topology });
      await declare();
      await fill(broker, queue, 1);
      await declare();
      assert.equal(await broker.readyCount(queue), 1);
    },
  ],
  [
    'two connections may declare the same topology at once',
    async (trial) => {
      const queue = trial.name('queue');
      const brokers = await Promise.all([trial.connect(), trial.connect(), trial.connect()]);
      await Promise.all(brokers.map((broker) => trial.declare(broker, queueTopology(queue, 'classic'))));
      assert.equal(await brokers[0].readyCount(queue), 0);
    },
  ],
  [
    'an existing queue with other arguments is used as it is, with what it holds',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker, { 'x-max-length': 100 });
      await fill(broker, queue, 2);
      await trial.declare(broker, queueTopology(queue, 'quorum'));
      assert.equal(await broker.readyCount(queue), 2);
      const { sink } = await consume(broker, queue, 10);
      await sink.received(2);
    },
  ],
  [
    'an existing exchange of another type is E_BROKER_TOPOLOGY that names both types',
    async (trial) => {
      const broker = await trial.connect();
      const name = trial.name('exchange');
      await trial.declare(broker, { exchanges: [{ name, type: 'fanout' }] });
      await assert.rejects(trial.declare(broker, { exchanges: [{ name, type: 'direct' }] }), (error: unknown) => {
        assert.ok(isRuntimeError(error, 'E_BROKER_TOPOLOGY'), String(error));
        assert.match(error.message, /fanout/);
        assert.match(error.message, /direct/);
        return true;
      });
      await trial.declare(broker, { exchanges: [{ name, type: 'fanout' }] });
    },
  ],
  [
    'binding what does not exist says what is missing',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const nowhere = trial.name('nowhere');
      const bind = (exchange: string, to: string): Promise<void> =>
        trial.declare(broker, { bindings: [{ exchange, queue: to, routingKey: 'k' }] });
      await rejectsWith(bind(nowhere, queue), 'E_BROKER_TOPOLOGY');
      await rejectsWith(bind('amq.direct', nowhere), 'E_BROKER_QUEUE_MISSING');
    },
  ],
  [
    'a direct exchange routes by key, a fanout exchange to all, a topic exchange by pattern',
    async (trial) => {
      const broker = await trial.connect();
      const [direct, fanout, topic] = [trial.name('direct'), trial.name('fanout'), trial.name('topic')];
      const [a, b] = [await trial.queue(broker), await trial.queue(broker)];
      await trial.declare(broker, {
        exchanges: [
          { name: direct, type: 'direct' },
          { name: fanout, type: 'fanout' },
          { name: topic, type: 'topic' },
        ],
        bindings: [
          { exchange: direct, queue: a, routingKey: 'a' },
          { exchange: direct, queue: b, routingKey: 'b' },
          { exchange: fanout, queue: a, routingKey: 'ignored' },
          { exchange: fanout, queue: b, routingKey: '' },
          { exchange: topic, queue: a, routingKey: 'calls.*.done' },
          { exchange: topic, queue: b, routingKey: 'calls.#' },
        ],
      });
      const publisher = await broker.publisher({ window: 10 });
      const publish = (exchange: string, routingKey: string): Promise<void> =>
        publisher.publish({ ...toQueue(routingKey, `${exchange} ${routingKey}`), exchange });
      const counts = async (): Promise<readonly number[]> => [await broker.readyCount(a), await broker.readyCount(b)];
      await publish(direct, 'a');
      assert.deepEqual(await counts(), [1, 0]);
      await publish(fanout, 'anything');
      assert.deepEqual(await counts(), [2, 1]);
      await publish(topic, 'calls.1.done');
      assert.deepEqual(await counts(), [3, 2]);
      await publish(topic, 'calls');
      assert.deepEqual(await counts(), [3, 3]);
      await rejectsWith(publish(topic, 'mails.1.done'), 'E_PUBLISH_UNROUTABLE');
    },
  ],
];
