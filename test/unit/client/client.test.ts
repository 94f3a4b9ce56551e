import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import type { Client } from '../../../src/client/client.ts';
import type { SendFailure } from '../../../src/client/send-options.ts';
import { isRuntimeError } from '../../../src/errors/runtime-error.ts';
import type { ClientOptions } from '../../../src/runtime/client-options.ts';
import { createClient } from '../../../src/runtime/create-client.ts';
import { deferred } from '../../../src/support/deferred.ts';
import { defineTask } from '../../../src/task/define-task.ts';
import { RecordingSink } from '../../support/recording-sink.ts';

interface Call {
  readonly caller: string;
}

const recordCall = defineTask('record-call', { queue: 'calls' }, (_call: Call) => {});
const thumbnail = defineTask('thumbnail', (_image: Uint8Array) => {});
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

async function open(options: ClientOptions = {}): Promise<{ broker: MemoryBroker; client: Client }> {
  const broker = new MemoryBroker();
  return { broker, client: await createClient({ broker, queueType: 'classic', ...options }) };
}

async function arrived(broker: MemoryBroker, queue: string, count: number): Promise<RecordingSink> {
  const sink = new RecordingSink();
  await broker.consume({ queue, prefetch: 5000 }, sink);
  await sink.received(count);
  return sink;
}

const code = (expected: string) => (error: unknown) => {
  assert.ok(isRuntimeError(error), String(error));
  assert.equal(error.code, expected);
  return true;
};

describe('Client', () => {
  test('a sent message carries the payload as JSON, with name, id and time in its properties and no headers', async () => {
    const { broker, client } = await open();
    const before = Math.floor(Date.now() / 1000);
    const id = await client.send(recordCall, { caller: '+49' });
    const [delivery] = (await arrived(broker, 'calls', 1)).deliveries;
    assert.match(id, UUID);
    assert.equal(delivery?.body.toString(), '{"caller":"+49"}');
    const { timestamp, ...properties } = delivery?.properties ?? {};
    assert.deepEqual(properties, {
      contentType: 'application/json',
      deliveryMode: 2,
      messageId: id,
      type: 'record-call',
    });
    assert.ok(timestamp !== undefined && timestamp >= before && timestamp <= before + 60);
    await broker.stop();
  });

  test('bytes travel as they are', async () => {
    const { broker, client } = await open();
    await client.send(thumbnail, new Uint8Array([0, 255, 1]));
    const [delivery] = (await arrived(broker, 'default', 1)).deliveries;
    assert.deepEqual([...(delivery?.body ?? [])], [0, 255, 1]);
    assert.equal(delivery?.properties.contentType, 'application/octet-stream');
    await broker.stop();
  });

  test('the queue is that of the call, else of the task, else the default of the client', async () => {
    const { broker, client } = await open({ queue: 'fallback' });
    await client.send(recordCall, { caller: 'a' }, { queue: 'urgent' });
    await client.send(recordCall, { caller: 'b' });
    await client.send('by-name', { any: 1 });
    for (const queue of ['urgent', 'calls', 'fallback']) {
      assert.equal(await broker.readyCount(queue), 1, queue);
      assert.equal(await broker.readyCount(`${queue}.dead`), 0, queue);
    }
    await broker.stop();
  });

  test('id, priority, correlation id and headers are passed on when given', async () => {
    const { broker, client } = await open();
    const options = { id: 'mine', priority: 4, correlationId: 'request-7', headers: { tenant: 'a' } };
    assert.equal(await client.send(recordCall, { caller: 'x' }, options), 'mine');
    const [delivery] = (await arrived(broker, 'calls', 1)).deliveries;
    const { messageId, priority, correlationId, headers } = delivery?.properties ?? {};
    assert.deepEqual({ id: messageId, priority, correlationId, headers }, options);
    await broker.stop();
  });

  test('many messages are confirmed with their ids in order, in the window, read from the iterator as room comes', async () => {
    const { broker, client } = await open({ window: 10 });
    let read = 0;
    let confirmed = 0;
    let furthestAhead = 0;
    function* calls(): Generator<Call> {
      for (let number = 0; number < 500; number++) {
        read++;
        furthestAhead = Math.max(furthestAhead, read - confirmed);
        yield { caller: String(number) };
      }
    }
    const sending = client.sendMany(recordCall, calls());
    while (confirmed < 500) {
      // The queue is declared by the call itself, in a turn of its own.
      confirmed = await broker.readyCount('calls').catch(() => 0);
      await new Promise(setImmediate);
    }
    const ids = await sending;
    assert.equal(new Set(ids).size, 500);
    assert.deepEqual([...ids].sort(), ids, 'ids ascend');
    assert.ok(furthestAhead <= 40, `${furthestAhead} read ahead of the broker`);
    const { deliveries } = await arrived(broker, 'calls', 500);
    assert.deepEqual(
      deliveries.map(({ properties }) => properties.messageId),
      ids,
    );
    await broker.stop();
  });

  test('failures among many are told with index, id and code, and the others are confirmed', async () => {
    const { broker, client } = await open();
    const cyclic: { caller: string; self?: unknown } = { caller: 'cyclic' };
    cyclic.self = cyclic;
    const payloads = [{ caller: 'a' }, cyclic, { caller: 'b' }, undefined, { caller: 'c' }];
    await assert.rejects(client.sendMany('record-call', payloads, { queue: 'calls' }), (error: unknown) => {
      assert.ok(isRuntimeError(error, 'E_SEND_INCOMPLETE'), String(error));
      assert.match(error.message, /^2 of 5 messages/);
      assert.equal(error.details['confirmed'], 3);
      const failures = error.details['failures'] as readonly SendFailure[];
      assert.deepEqual(
        failures.map(({ index, code: failure }) => [index, failure]),
        [
          [1, 'E_PAYLOAD_UNENCODABLE'],
          [3, 'E_PAYLOAD_UNENCODABLE'],
        ],
      );
      assert.ok(failures.every(({ id }) => UUID.test(id)));
      const ids = error.details['ids'] as readonly string[];
      assert.equal(ids.length, 5);
      assert.ok(failures.every(({ index, id }) => ids[index] === id));
      return true;
    });
    assert.equal(await broker.readyCount('calls'), 3);
    await broker.stop();
  });

  test('a call that close gives up on stops reading its payloads', async () => {
    const { broker, client } = await open({ window: 10, closeGrace: 0 });
    broker.block('low on memory');
    let read = 0;
    const windowFull = deferred<void>();
    function* endless(): Generator<Call> {
      // Without the stop this would never end; the bound lets the test fail instead.
      for (; read < 20_000; read++) {
        if (read === 10) windowFull.resolve();
        yield { caller: String(read) };
      }
    }
    const sending = client.sendMany(recordCall, endless());
    const rejected = assert.rejects(sending, code('E_SEND_INCOMPLETE'));
    await windowFull.promise;
    await client.close();
    await rejected;
    assert.ok(read <= 40, `${read} payloads were read`);
    await broker.stop();
  });

  test('an iterator that throws rejects the call once everything before it is settled', async () => {
    const { broker, client } = await open();
    function* broken(): Generator<Call> {
      yield { caller: 'a' };
      throw new Error('no more');
    }
    await assert.rejects(client.sendMany(recordCall, broken()), /no more/);
    assert.equal(await broker.readyCount('calls'), 1);
    await broker.stop();
  });

  test('sending nothing is fine', async () => {
    const { broker, client } = await open();
    assert.deepEqual(await client.sendMany(recordCall, []), []);
    await broker.stop();
  });

  test('a payload that JSON cannot carry is E_PAYLOAD_UNENCODABLE', async () => {
    const { broker, client } = await open();
    for (const payload of [undefined, () => 1, Symbol('s'), 10n]) {
      await assert.rejects(client.send('t', payload), code('E_PAYLOAD_UNENCODABLE'));
    }
    for (const payload of [null, 0, '', false, []]) await client.send('t', payload);
    assert.equal(await broker.readyCount('default'), 5);
    await broker.stop();
  });

  test('names and ids that do not fit are E_OPTION_RANGE or E_OPTION_TYPE before anything is sent', async () => {
    const { broker, client } = await open();
    const long = 'x'.repeat(256);
    await assert.rejects(client.send('', 1), code('E_OPTION_RANGE'));
    await assert.rejects(client.send(long, 1), code('E_OPTION_RANGE'));
    await assert.rejects(client.send('t', 1, { id: '' }), code('E_OPTION_RANGE'));
    await assert.rejects(client.send('t', 1, { queue: long }), code('E_OPTION_RANGE'));
    await assert.rejects(client.send('t', 1, { queue: 7 as unknown as string }), code('E_OPTION_TYPE'));
    await assert.rejects(client.send('t', 1, { priority: 300 }), code('E_MESSAGE_MALFORMED'));
    assert.equal(await broker.readyCount('default'), 0);
    await broker.stop();
  });

  test('with declare off the queue must exist', async () => {
    const { broker, client } = await open({ declare: false });
    await assert.rejects(client.send(recordCall, { caller: 'x' }), code('E_PUBLISH_UNROUTABLE'));
    await broker.declare({ exchanges: [], bindings: [], queues: [{ name: 'calls', arguments: {} }] });
    await client.send(recordCall, { caller: 'x' });
    await broker.stop();
  });

  test('a queue deleted since is declared again by the call after the one that failed', async () => {
    const { broker, client } = await open();
    await client.send(recordCall, { caller: 'a' });
    broker.deleteQueue('calls');
    await assert.rejects(client.send(recordCall, { caller: 'b' }), code('E_PUBLISH_UNROUTABLE'));
    await client.send(recordCall, { caller: 'c' });
    assert.equal(await broker.readyCount('calls'), 1);
    await broker.stop();
  });

  test('calls wait while the broker is away, and are confirmed when it is back', async () => {
    const { broker, client } = await open();
    await client.send(recordCall, { caller: 'first' });
    broker.loseConnection();
    let settled = false;
    const sending = client.send(recordCall, { caller: 'second' }).then(() => {
      settled = true;
    });
    await new Promise(setImmediate);
    assert.equal(settled, false);
    broker.restoreConnection();
    await sending;
    assert.equal(await broker.readyCount('calls'), 2);
    await broker.stop();
  });

  test('close lets what was begun finish, refuses what comes after, and leaves a given broker open', async () => {
    const { broker, client } = await open();
    const sending = client.sendMany(
      recordCall,
      Array.from({ length: 50 }, () => ({ caller: 'x' })),
    );
    const closing = client.close();
    await assert.rejects(client.send(recordCall, { caller: 'late' }), code('E_CLIENT_CLOSED'));
    await Promise.all([closing, client.close()]);
    assert.equal((await sending).length, 50);
    assert.equal(await broker.readyCount('calls'), 50);
    await assert.rejects(client.sendMany(recordCall, []), code('E_CLIENT_CLOSED'));
    assert.equal(broker.health().state, 'connected');
    await broker.stop();
  });

  test('close gives up what cannot be confirmed within its grace', async () => {
    const { broker, client } = await open({ closeGrace: 1 });
    await client.send(recordCall, { caller: 'first' });
    broker.loseConnection();
    const refused = assert.rejects(client.send(recordCall, { caller: 'second' }), code('E_CLIENT_CLOSED'));
    await client.close();
    await refused;
    await broker.stop();
  });

  test('wrong options are refused, with a suggestion for a misspelt one', async () => {
    await assert.rejects(createClient({ widow: 5 } as ClientOptions), (error: unknown) => {
      assert.ok(isRuntimeError(error, 'E_OPTION_UNKNOWN'));
      assert.match(error.message, /window/);
      return true;
    });
    await assert.rejects(createClient({ window: 0 }), code('E_OPTION_RANGE'));
    await assert.rejects(createClient({ broker: 7 as unknown as string }), code('E_OPTION_TYPE'));
    await assert.rejects(createClient({ broker: 'http://localhost' }), code('E_BROKER_URL'));
  });
});
