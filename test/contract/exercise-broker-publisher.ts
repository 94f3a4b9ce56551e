import assert from 'node:assert/strict';
import type { MessageProperties } from '../../src/batch/message-properties.ts';
import {
  ATTEMPT,
  type AttemptRecord,
  HISTORY,
  LONGEST_HISTORY,
  START_BY,
  WAITS,
} from '../../src/batch/task-headers.ts';
import type { OutgoingMessage } from '../../src/broker/broker.ts';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { consume, numbers, publishNumbers, rejectsWith, settled, toQueue } from './broker-rig.ts';
import type { BrokerCase } from './exercise-broker.ts';

export const publisherCases: readonly BrokerCase[] = [
  [
    'a message is in its queue when its publish resolves',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 10 });
      for (const number of [1, 2, 3]) {
        await publisher.publish(toQueue(queue, 'x'));
        assert.equal(await broker.readyCount(queue), number);
      }
    },
  ],
  [
    'properties and body arrive as they were published',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 10 });
      const { sink } = await consume(broker, queue, 10);
      const all: MessageProperties = {
        contentType: 'application/json',
        contentEncoding: 'identity',
        headers: { 'x-attempt': 2, deep: { list: [1, 'zwei', null, true, 2.5] }, large: 2 ** 40, empty: '' },
        deliveryMode: 2,
        priority: 3,
        correlationId: 'corrélation',
        replyTo: 'reply',
        expiration: '3600000',
        messageId: 'm-1',
        timestamp: 1_700_000_000,
        type: 'record-call',
        appId: 'millrace',
      };
      await publisher.publish(toQueue(queue, '{ "spaced" :  1 }', all));
      await publisher.publish({
        exchange: '',
        routingKey: queue,
        properties: { deliveryMode: 1 },
        body: new Uint8Array(0),
      });
      await sink.received(2);
      assert.deepEqual(sink.deliveries[0]?.properties, all);
      assert.equal(sink.deliveries[0]?.body.toString(), '{ "spaced" :  1 }');
      assert.deepEqual(sink.deliveries[1]?.properties, { deliveryMode: 1 });
      assert.equal(sink.deliveries[1]?.body.length, 0);
    },
  ],
  [
    'the headers of a task that is tried again arrive as they were published',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 10 });
      const { sink } = await consume(broker, queue, 10);
      const record = (attempt: number): AttemptRecord => ({
        attempt,
        at: '2026-01-02T03:04:05.678Z',
        outcome: 'failed',
        code: 'E_TASK_FAILED',
        message: 'nö: "no"\n☂',
        worker: 'host:4711',
      });
      const headers = {
        [ATTEMPT]: 21,
        [START_BY]: 1_790_000_000_123,
        [WAITS]: 2_147_483_648,
        [HISTORY]: Array.from({ length: LONGEST_HISTORY }, (_, index) => record(index + 1)),
      };
      await publisher.publish(toQueue(queue, 'x', { headers }));
      await sink.received(1);
      assert.deepEqual(sink.deliveries[0]?.properties.headers, headers);
      // What was read can be published again.
      await publisher.publish(toQueue(queue, 'x', { headers: sink.deliveries[0].properties.headers ?? {} }));
      await sink.received(2);
      assert.deepEqual(sink.deliveries[1]?.properties.headers, headers);
    },
  ],
  [
    'times and bytes among the headers arrive as they were published',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 10 });
      const { sink } = await consume(broker, queue, 10);
      const headers = {
        at: new Date(1_700_000_000_000),
        bytes: Buffer.from([0xff, 0, 1]),
        deep: [{ at: new Date(0) }, Buffer.from('text')],
      };
      await publisher.publish(toQueue(queue, 'x', { headers }));
      await sink.received(1);
      assert.deepEqual(sink.deliveries[0]?.properties.headers, headers);
    },
  ],
  [
    'bodies of any size up to a mebibyte arrive byte for byte',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 10 });
      const { sink } = await consume(broker, queue, 100);
      const sizes = [1, 4088, 4096, 131_063, 131_064, 131_072, 131_073, 300_000, 1_048_576];
      const bodies = sizes.map((size) => new Uint8Array(size).map((_, index) => (index * 31 + size) & 0xff));
      await Promise.all(bodies.map((body) => publisher.publish(toQueue(queue, body, { contentType: 'text/plain' }))));
      await sink.received(sizes.length);
      for (const [index, body] of bodies.entries()) {
        assert.ok(sink.deliveries[index]?.body.equals(body), `body of ${body.length} bytes`);
      }
    },
  ],
  [
    'many more messages than the window are confirmed, in order',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 7 });
      const { sink } = await consume(broker, queue, 2000);
      await publishNumbers(publisher, queue, 1000);
      await sink.received(1000);
      assert.deepEqual(sink.texts, numbers(1000));
    },
  ],
  [
    'an unroutable message is E_PUBLISH_UNROUTABLE, and its neighbours are confirmed',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const nowhere = trial.name('nowhere');
      const publisher = await broker.publisher({ window: 50 });
      const outcomes = await Promise.all(
        numbers(200).map((number, index) =>
          settled(publisher.publish(toQueue(index % 3 === 0 ? nowhere : queue, number, { messageId: number }))),
        ),
      );
      assert.deepEqual(
        outcomes,
        outcomes.map((_, index) => (index % 3 === 0 ? 'E_PUBLISH_UNROUTABLE' : 'confirmed')),
      );
      assert.equal(await broker.readyCount(queue), outcomes.filter((outcome) => outcome === 'confirmed').length);
    },
  ],
  [
    'unroutable messages are told apart without message ids, and with the same one',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const nowhere = trial.name('nowhere');
      const publisher = await broker.publisher({ window: 50 });
      const publish = (to: string, properties: MessageProperties): Promise<string> =>
        settled(publisher.publish(toQueue(to, '{"json":true}', { contentType: 'application/json', ...properties })));
      const outcomes = await Promise.all([
        publish(queue, {}),
        publish(nowhere, {}),
        publish(queue, {}),
        publish(queue, { messageId: 'same' }),
        publish(nowhere, { messageId: 'same' }),
        publish(nowhere, { messageId: 'same' }),
        publish(queue, { messageId: 'same' }),
      ]);
      const [yes, no] = ['confirmed', 'E_PUBLISH_UNROUTABLE'];
      assert.deepEqual(outcomes, [yes, no, yes, yes, no, no, yes]);
    },
  ],
  [
    'an unroutable message is told apart by text that UTF-8 cannot carry as it is',
    async (trial) => {
      const broker = await trial.connect();
      const nowhere = trial.name('nowhere');
      const publisher = await broker.publisher({ window: 1 });
      const halfAPair = 'cut-\ud83d';
      for (const properties of [{ messageId: halfAPair }, { correlationId: halfAPair }, { type: halfAPair }])
        assert.equal(await settled(publisher.publish(toQueue(nowhere, 'x', properties))), 'E_PUBLISH_UNROUTABLE');
      assert.equal(await settled(publisher.publish(toQueue(nowhere + halfAPair, 'x'))), 'E_PUBLISH_UNROUTABLE');
    },
  ],
  [
    'a number that is not finite, or beyond 64 bits, in a header harms neither its message nor the neighbours',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 50 });
      const values = [1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1e300, 1e300, [Number.NaN]];
      const outcomes = await Promise.all(
        values.map((value) => settled(publisher.publish(toQueue(queue, 'x', { headers: { value } })))),
      );
      assert.deepEqual(
        outcomes,
        values.map(() => 'confirmed'),
      );
      assert.equal(await broker.readyCount(queue), values.length);
    },
  ],
  [
    'who submits is told once for each message what a promise would say',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 2 });
      const nowhere = trial.name('nowhere');
      const told: string[] = [];
      const submit = (message: OutgoingMessage): void => {
        publisher.submit(message, (error) => void told.push(error?.code ?? 'confirmed'));
      };
      for (const to of [queue, nowhere, queue, 'q'.repeat(256), queue]) submit(toQueue(to, 'x'));
      await publisher.drained();
      await publisher.close();
      submit(toQueue(queue, 'late'));
      assert.deepEqual(told.sort(), [
        'E_CLIENT_CLOSED',
        'E_MESSAGE_MALFORMED',
        'E_PUBLISH_UNROUTABLE',
        'confirmed',
        'confirmed',
        'confirmed',
      ]);
      assert.equal(await broker.readyCount(queue), 3);
    },
  ],
  [
    'the error of an unroutable message says where it was to go',
    async (trial) => {
      const broker = await trial.connect();
      const nowhere = trial.name('nowhere');
      const publisher = await broker.publisher({ window: 1 });
      await assert.rejects(publisher.publish(toQueue(nowhere, 'x')), (error: unknown) => {
        assert.ok(isRuntimeError(error, 'E_PUBLISH_UNROUTABLE'));
        assert.equal(error.details['routingKey'], nowhere);
        assert.ok(error.message.includes(nowhere));
        return true;
      });
    },
  ],
  [
    'an exchange that does not exist is E_PUBLISH_UNROUTABLE, and the publisher goes on',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 10 });
      const message = { ...toQueue(queue, 'lost'), exchange: trial.name('nowhere') };
      assert.equal(await settled(publisher.publish(message)), 'E_PUBLISH_UNROUTABLE');
      assert.equal(await settled(publisher.publish(toQueue(queue, 'found'))), 'confirmed');
      assert.equal(await broker.readyCount(queue), 1);
    },
  ],
  [
    'where a message goes may be decided when it goes out, not when it is handed over',
    async (trial) => {
      const broker = await trial.connect();
      const [first, second] = [await trial.queue(broker), await trial.queue(broker)];
      const nowhere = trial.name('nowhere');
      const publisher = await broker.publisher({ window: 1 });
      let asked = 0;
      const late = (routingKey: string): OutgoingMessage => ({
        ...toQueue(first, 'late'),
        readdress: () => {
          asked++;
          return { exchange: '', routingKey };
        },
      });
      const blocking = publisher.publish(toQueue(first, 'fills the window'));
      const [found, lost] = [publisher.publish(late(second)), settled(publisher.publish(late(nowhere)))];
      assert.equal(asked, 0);
      await blocking;
      await found;
      assert.equal(await lost, 'E_PUBLISH_UNROUTABLE');
      assert.equal(asked, 2);
      assert.deepEqual([await broker.readyCount(first), await broker.readyCount(second)], [1, 1]);
    },
  ],
  [
    'a full queue that refuses is E_PUBLISH_NACKED',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker, { 'x-max-length': 2, 'x-overflow': 'reject-publish' });
      const publisher = await broker.publisher({ window: 10 });
      const outcomes: string[] = [];
      for (const number of numbers(4)) outcomes.push(await settled(publisher.publish(toQueue(queue, number))));
      assert.deepEqual(outcomes, ['confirmed', 'confirmed', 'E_PUBLISH_NACKED', 'E_PUBLISH_NACKED']);
      assert.equal(await broker.readyCount(queue), 2);
    },
  ],
  [
    'properties that AMQP cannot carry are E_MESSAGE_MALFORMED and harm no neighbour',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 10 });
      const bad: readonly MessageProperties[] = [
        { messageId: 'm'.repeat(256) },
        { headers: { call: () => 1 } },
        { priority: 1000 },
        { timestamp: 1.5 },
      ];
      const outcomes = await Promise.all([
        settled(publisher.publish(toQueue(queue, 'before'))),
        ...bad.map((properties) => settled(publisher.publish(toQueue(queue, 'bad', properties)))),
        settled(publisher.publish(toQueue('q'.repeat(256), 'bad'))),
        settled(publisher.publish(toQueue(queue, 'after'))),
      ]);
      assert.deepEqual(outcomes, ['confirmed', ...Array<string>(5).fill('E_MESSAGE_MALFORMED'), 'confirmed']);
      assert.equal(await broker.readyCount(queue), 2);
    },
  ],
  [
    'a message to several queues is in each of them, and confirmed once',
    async (trial) => {
      const broker = await trial.connect();
      const queues = [await trial.queue(broker), await trial.queue(broker), await trial.queue(broker)];
      const bindings = queues.map((queue) => ({ exchange: 'amq.direct', queue, routingKey: queues[0] ?? '' }));
      await trial.declare(broker, { bindings });
      const publisher = await broker.publisher({ window: 10 });
      await publisher.publish({ ...toQueue(queues[0] ?? '', 'x'), exchange: 'amq.direct' });
      for (const queue of queues) assert.equal(await broker.readyCount(queue), 1);
    },
  ],
  [
    'drained resolves when everything published before it is settled',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 3 });
      await publisher.drained();
      let confirmed = 0;
      for (const number of numbers(20)) void publisher.publish(toQueue(queue, number)).then(() => confirmed++);
      await publisher.drained();
      assert.equal(confirmed, 20);
      assert.equal(await broker.readyCount(queue), 20);
    },
  ],
  [
    'a closed publisher refuses with E_CLIENT_CLOSED, and closing twice is one close',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 3 });
      await publisher.publish(toQueue(queue, 'x'));
      await Promise.all([publisher.close(), publisher.close()]);
      await publisher.close();
      await rejectsWith(publisher.publish(toQueue(queue, 'y')), 'E_CLIENT_CLOSED');
      await publisher.drained();
      assert.equal(await broker.readyCount(queue), 1);
    },
  ],
  [
    'closing settles every publish, none is left hanging',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 2 });
      const outcomes = numbers(10).map((number) => settled(publisher.publish(toQueue(queue, number))));
      await publisher.close();
      const known = ['confirmed', 'E_PUBLISH_UNCONFIRMED', 'E_CLIENT_CLOSED'];
      for (const outcome of await Promise.all(outcomes)) assert.ok(known.includes(outcome), outcome);
      assert.equal(await outcomes.at(-1), 'E_CLIENT_CLOSED');
    },
  ],
  [
    'two publishers of one broker do not disturb each other',
    async (trial) => {
      const broker = await trial.connect();
      const queue = await trial.queue(broker);
      const first = await broker.publisher({ window: 5 });
      const second = await broker.publisher({ window: 5 });
      const missing = settled(first.publish({ ...toQueue(queue, 'x'), exchange: trial.name('nowhere') }));
      await publishNumbers(second, queue, 50);
      assert.equal(await missing, 'E_PUBLISH_UNROUTABLE');
      await first.close();
      await publishNumbers(second, queue, 50);
      assert.equal(await broker.readyCount(queue), 100);
    },
  ],
  [
    'a window outside 1 to 65535 is E_OPTION_RANGE',
    async (trial) => {
      const broker = await trial.connect();
      for (const window of [0, 65_536, 1.5, Number.NaN])
        await rejectsWith(broker.publisher({ window }), 'E_OPTION_RANGE');
    },
  ],
  [
    'while the broker is blocked publishes wait, and go on when it is not',
    async (trial, context) => {
      const { blocking } = trial.rig;
      if (blocking === undefined) {
        context.skip('blocking this broker would block everyone on the server');
        return;
      }
      const told: string[] = [];
      const broker = await trial.connect({
        blocked: (reason) => told.push(reason),
        unblocked: () => told.push('unblocked'),
      });
      const queue = await trial.queue(broker);
      const publisher = await broker.publisher({ window: 5 });
      blocking.block(broker, 'low on memory');
      assert.equal(broker.health().state, 'blocked');
      assert.equal(broker.health().reason, 'low on memory');
      let confirmed = 0;
      const all = numbers(20).map((number) => publisher.publish(toQueue(queue, number)).then(() => confirmed++));
      const other = await trial.connect();
      const { sink } = await consume(other, queue, 100);
      await publishNumbers(await other.publisher({ window: 5 }), await trial.queue(other), 1);
      assert.equal(confirmed, 0);
      blocking.unblock(broker);
      await Promise.all(all);
      await sink.received(20);
      assert.deepEqual(sink.texts, numbers(20));
      assert.deepEqual(told, ['low on memory', 'unblocked']);
      assert.equal(broker.health().state, 'connected');
    },
  ],
];
