import assert from 'node:assert/strict';
import { consume, fill, rejectsWith } from './broker-rig.ts';
import type { BrokerCase } from './exercise-broker.ts';

export const lifecycleCases: readonly BrokerCase[] = [
  [
    'health goes from created over connected to stopped',
    async (trial) => {
      const broker = await trial.make();
      assert.equal(broker.health().state, 'created');
      assert.equal(broker.health().server, undefined);
      await broker.start();
      assert.equal(broker.health().state, 'connected');
      assert.equal(typeof broker.health().server, 'string');
      assert.equal(broker.health().reconnects, 0);
      await broker.stop();
      assert.equal(broker.health().state, 'stopped');
    },
  ],
  [
    'the listener is told of the first connection',
    async (trial) => {
      const told: string[] = [];
      const broker = await trial.connect({ connected: (server) => told.push(server) });
      assert.deepEqual(told, [broker.health().server]);
    },
  ],
  [
    'a broker that is not started refuses work with E_STATE',
    async (trial) => {
      const broker = await trial.make();
      await rejectsWith(broker.publisher({ window: 1 }), 'E_STATE');
      await rejectsWith(broker.readyCount('any'), 'E_STATE');
      await rejectsWith(consume(broker, 'any', 1), 'E_STATE');
      await rejectsWith(broker.declare({ exchanges: [], queues: [], bindings: [] }), 'E_STATE');
    },
  ],
  [
    'a broker that was stopped refuses work with E_STATE',
    async (trial) => {
      const broker = await trial.connect();
      await broker.stop();
      await rejectsWith(broker.publisher({ window: 1 }), 'E_STATE');
      await rejectsWith(broker.readyCount('any'), 'E_STATE');
      await rejectsWith(consume(broker, 'any', 1), 'E_STATE');
    },
  ],
  [
    'stopping the broker returns what its consumers had not acked and ends their epochs',
    async (trial) => {
      const stopping = await trial.connect();
      const watching = await trial.connect();
      const queue = await trial.queue(watching);
      await fill(watching, queue, 3);
      const { consumer, sink } = await consume(stopping, queue, 10);
      await sink.received(3);
      consumer.ack(1, 1, false);
      consumer.flush();
      await stopping.stop();
      assert.equal(consumer.epoch, 0);
      assert.equal(sink.closed.length, 1);
      const after = await consume(watching, queue, 10);
      await after.sink.received(2);
      assert.deepEqual(after.sink.texts, ['1', '2']);
    },
  ],
  [
    'stopping the broker closes its publishers',
    async (trial) => {
      const broker = await trial.connect();
      const publisher = await broker.publisher({ window: 1 });
      await broker.stop();
      await rejectsWith(
        publisher.publish({ exchange: '', routingKey: 'q', properties: {}, body: Buffer.alloc(0) }),
        'E_CLIENT_CLOSED',
      );
    },
  ],
];
