import assert from 'node:assert/strict';
import { queueTopology } from '../../src/broker/topology.ts';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { consume, fill, publishNumbers, rejectsWith, toQueue } from './broker-rig.ts';
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
  [
    'what comes to an exchange goes on to the exchanges bound to it, by their patterns',
    async (trial) => {
      const broker = await trial.connect();
      const [first, second, third] = [trial.name('first'), trial.name('second'), trial.name('third')];
      const [a, b] = [await trial.queue(broker), await trial.queue(broker)];
      await trial.declare(broker, {
        exchanges: [
          { name: first, type: 'topic' },
          { name: second, type: 'topic' },
          { name: third, type: 'fanout' },
        ],
        bindings: [
          { exchange: second, queue: a, routingKey: '*.here.#' },
          { exchange: third, queue: b, routingKey: '' },
        ],
        exchangeBindings: [
          { source: first, destination: second, routingKey: 'go.#' },
          { source: second, destination: third, routingKey: '*.on.#' },
          { source: third, destination: first, routingKey: '' },
        ],
      });
      const publisher = await broker.publisher({ window: 10 });
      const publish = (routingKey: string): Promise<void> =>
        publisher.publish({ ...toQueue(routingKey, 'x'), exchange: first });
      const counts = async (): Promise<readonly number[]> => [await broker.readyCount(a), await broker.readyCount(b)];
      await publish('go.here');
      assert.deepEqual(await counts(), [1, 0]);
      await publish('go.on');
      assert.deepEqual(await counts(), [1, 1]);
      await rejectsWith(publish('stay.here'), 'E_PUBLISH_UNROUTABLE');
      await rejectsWith(publish('go.nowhere'), 'E_PUBLISH_UNROUTABLE');
    },
  ],
  [
    'binding an exchange that does not exist is E_BROKER_TOPOLOGY, at either end',
    async (trial) => {
      const broker = await trial.connect();
      const [there, nowhere] = [trial.name('exchange'), trial.name('nowhere')];
      await trial.declare(broker, { exchanges: [{ name: there, type: 'topic' }] });
      const bind = (source: string, destination: string): Promise<void> =>
        trial.declare(broker, { exchangeBindings: [{ source, destination, routingKey: '#' }] });
      await rejectsWith(bind(there, nowhere), 'E_BROKER_TOPOLOGY');
      await rejectsWith(bind(nowhere, there), 'E_BROKER_TOPOLOGY');
    },
  ],
  [
    'what an exchange has no queue for goes to its alternate',
    async (trial) => {
      const broker = await trial.connect();
      const [main, alternate] = [trial.name('main'), trial.name('alternate')];
      const [a, rest] = [await trial.queue(broker), await trial.queue(broker)];
      await trial.declare(broker, {
        exchanges: [
          { name: alternate, type: 'fanout' },
          { name: main, type: 'direct', alternate },
        ],
        bindings: [
          { exchange: main, queue: a, routingKey: 'a' },
          { exchange: alternate, queue: rest, routingKey: '' },
        ],
      });
      const publisher = await broker.publisher({ window: 10 });
      for (const routingKey of ['a', 'b', 'c'])
        await publisher.publish({ ...toQueue(routingKey, routingKey), exchange: main });
      assert.equal(await broker.readyCount(a), 1);
      assert.equal(await broker.readyCount(rest), 2);
    },
  ],
  [
    'whether an exchange exists can be asked without harm to what is being published',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const [there, nowhere] = [trial.name('exchange'), trial.name('nowhere')];
      const publisher = await broker.publisher({ window: 10 });
      const publishing = publishNumbers(publisher, queue, 200);
      assert.equal(await broker.exchangeExists(there), false);
      await trial.declare(broker, { exchanges: [{ name: there, type: 'topic' }] });
      const answers = await Promise.all([there, nowhere, there, nowhere].map((name) => broker.exchangeExists(name)));
      assert.deepEqual(answers, [true, false, true, false]);
      await publishing;
      assert.equal(await broker.readyCount(queue), 200);
    },
  ],
  [
    'what has been in a queue for its time to live goes on as a dead letter, with its routing key and the reason',
    async (trial) => {
      const broker = await trial.connect();
      const [out, after] = [trial.name('out'), await trial.queue(broker)];
      await trial.declare(broker, {
        exchanges: [{ name: out, type: 'topic' }],
        bindings: [{ exchange: out, queue: after, routingKey: '#' }],
      });
      const waiting = await trial.queue(broker, { 'x-message-ttl': 50, 'x-dead-letter-exchange': out });
      const { sink } = await consume(broker, after, 10);
      await fill(broker, waiting, 2);
      await sink.received(2);
      assert.deepEqual(sink.texts, ['0', '1']);
      const deaths = sink.deliveries[0]?.properties.headers?.['x-death'] as readonly Record<string, unknown>[];
      assert.equal(deaths.length, 1);
      const { queue, reason, exchange, count } = deaths[0] ?? {};
      assert.deepEqual([queue, reason, exchange, count], [waiting, 'expired', '', 1]);
      assert.deepEqual(deaths[0]?.['routing-keys'], [waiting]);
      assert.equal(await broker.readyCount(waiting), 0);
    },
  ],
  [
    'a queue that keeps what is returned is declared, and keeps it through many returns',
    async (trial) => {
      const broker = await trial.connect();
      const name = trial.name('kept');
      const kept = { name, arguments: { 'x-queue-type': 'quorum' }, keepsReturned: true };
      await trial.declare(broker, { queues: [kept] });
      await trial.declare(broker, { queues: [kept] });
      await fill(broker, name, 1);
      const { consumer, sink } = await consume(broker, name, 1);
      for (let turn = 1; turn <= 25; turn++) {
        await sink.received(turn);
        consumer.nack(consumer.epoch, turn, true);
        consumer.flush();
      }
      await sink.received(26);
    },
  ],
];
