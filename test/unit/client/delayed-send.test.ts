import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { levelName } from '../../../src/broker/delay-topology.ts';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import type { Client } from '../../../src/client/client.ts';
import type { ErrorCode } from '../../../src/errors/codes.ts';
import { isRuntimeError } from '../../../src/errors/runtime-error.ts';
import type { ClientOptions } from '../../../src/runtime/client-options.ts';
import { createClient } from '../../../src/runtime/create-client.ts';
import { defineTask } from '../../../src/task/define-task.ts';
import { RecordingSink } from '../../support/recording-sink.ts';

const QUEUE = 'mails.urgent';
const remind = defineTask('remind', { queue: QUEUE }, (_mail: { readonly to: string }) => {});
const mail = { to: 'a@b.c' };
const PREFIX = 'millrace.delay';

interface Opened extends AsyncDisposable {
  readonly broker: MemoryBroker;
  readonly client: Client;
  /** Of what arrives in the queue: when it came, by its id. */
  readonly arrivals: Map<string, number>;
  readonly sink: RecordingSink;
  received(count: number): Promise<void>;
}

/** The client sends a message at once first, so that its queue is there to be consumed. */
async function open(options: ClientOptions = {}): Promise<Opened> {
  const broker = new MemoryBroker();
  const client = await createClient({ broker, queueType: 'classic', ...options });
  if (options.declare === false)
    await broker.declare({ exchanges: [], bindings: [], queues: [{ name: QUEUE, arguments: {} }] });
  else await client.sendMany(remind, []);
  const arrivals = new Map<string, number>();
  const sink = new RecordingSink();
  sink.onDelivery = ({ properties }) => arrivals.set(properties.messageId ?? '', performance.now());
  await broker.consume({ queue: QUEUE, prefetch: 1_000 }, sink);
  return {
    broker,
    client,
    arrivals,
    sink,
    received: (count) => sink.received(count),
    [Symbol.asyncDispose]: () => broker.stop(),
  };
}

const code = (expected: ErrorCode) => (error: unknown) => {
  assert.ok(isRuntimeError(error, expected), String(error));
  return true;
};

describe('delayed messages of a client', () => {
  test('delay and at hold messages back, each for its time at least', async () => {
    await using opened = await open();
    const { client, arrivals } = opened;
    const [from, wallFrom] = [performance.now(), Date.now()];
    const slow = await client.send(remind, mail, { delay: 250 });
    const [soon, soonToo] = await client.sendMany(remind, [mail, mail], { at: new Date(wallFrom + 120) });
    const now = await client.send(remind, mail, { delay: 0 });
    await opened.received(4);
    // in which order is up to the machine: a pause between two calls is longer than these delays
    assert.deepEqual(new Set(arrivals.keys()), new Set([now, soon, soonToo, slow]));
    assert.ok((arrivals.get(slow) as number) - from >= 250);
    // The wall clock has whole milliseconds, so its 120 may be 119 and a bit.
    assert.ok((arrivals.get(soon as string) as number) - from >= 119);
  });

  test('a delayed message looks like any other, but for its time: the one it is due at', async () => {
    await using opened = await open();
    const before = Date.now();
    await opened.client.send(remind, mail, { delay: '0.1s', headers: { tenant: 'a' } });
    await opened.received(1);
    const [delivery] = opened.sink.deliveries;
    const { timestamp, headers, ...properties } = delivery?.properties ?? {};
    const { messageId, ...rest } = properties;
    assert.deepEqual(rest, { contentType: 'application/json', deliveryMode: 2, type: 'remind' });
    assert.equal(headers?.['tenant'], 'a');
    assert.equal(headers?.['x-start-by'], undefined);
    assert.ok(messageId !== undefined && timestamp !== undefined);
    const [first, last] = [before + 100, Date.now() + 100].map((ms) => Math.floor(ms / 1000));
    assert.ok(timestamp >= (first as number) && timestamp <= (last as number));
  });

  test('a start deadline travels as a header beside those given, delayed or not', async () => {
    await using opened = await open();
    const before = Date.now();
    await opened.client.send(remind, mail, { startWithin: '10m', headers: { tenant: 'a' } });
    await opened.client.sendMany(remind, [mail], { startWithin: '10m', delay: 100 });
    await opened.received(2);
    const after = Date.now();
    const [atOnce, delayed] = opened.sink.deliveries.map(({ properties }) => properties.headers);
    assert.equal(atOnce?.['tenant'], 'a');
    const startBy = [atOnce, delayed].map((headers) => Number(headers?.['x-start-by']) - 600_000);
    assert.ok((startBy[0] as number) >= before && (startBy[0] as number) <= after);
    assert.ok((startBy[1] as number) >= before + 100 && (startBy[1] as number) <= after + 100);
  });

  test('options about time that cannot be are refused before anything is sent', async () => {
    await using opened = await open();
    const { client, broker } = opened;
    await assert.rejects(client.send(remind, mail, { delay: 5, at: 5 }), code('E_OPTION_RANGE'));
    await assert.rejects(client.send(remind, mail, { delay: '480h' }), code('E_OPTION_RANGE'));
    await assert.rejects(client.sendMany(remind, [mail], { at: new Date('?') }), code('E_OPTION_TYPE'));
    await assert.rejects(client.send(remind, mail, { startWithin: 0 }), code('E_OPTION_RANGE'));
    assert.equal(await broker.exchangeExists(levelName(PREFIX, 0)), false, 'no level was needed');
  });

  test('levels have the prefix of the options, and are not declared by those who delay nothing', async () => {
    await using opened = await open({ delays: { prefix: 'mine' } });
    const { client, broker } = opened;
    await client.send(remind, mail);
    assert.equal(await broker.exchangeExists(levelName('mine', 3)), false);
    await client.send(remind, mail, { delay: 100 });
    assert.equal(await broker.exchangeExists(levelName('mine', 3)), true);
    assert.equal(await broker.exchangeExists(levelName(PREFIX, 3)), false);
    await opened.received(2);
    await assert.rejects(createClient({ broker, delays: { prefix: '' } }), code('E_OPTION_RANGE'));
    await assert.rejects(createClient({ broker, delays: { prefxi: 'x' } as object }), code('E_OPTION_UNKNOWN'));
  });

  test('with declare off a delayed message reaches a queue that exists, and one that does not is an error', async () => {
    await using opened = await open({ declare: false });
    await opened.client.send(remind, mail, { delay: 100 });
    await opened.received(1);
    const missing = { queue: 'nowhere', delay: 100 };
    await assert.rejects(opened.client.send(remind, mail, missing), code('E_BROKER_QUEUE_MISSING'));
  });

  test('a level that was deleted is there again for the call after the one that failed', async () => {
    await using opened = await open();
    const { client, broker } = opened;
    await client.send(remind, mail, { delay: 100 });
    broker.deleteQueue(levelName(PREFIX, 0));
    await assert.rejects(client.send(remind, mail, { delay: 100 }), code('E_PUBLISH_UNROUTABLE'));
    const id = await client.send(remind, mail, { delay: 100 });
    await opened.sink.until(() => opened.arrivals.has(id));
  });

  test('a queue deleted since is found again by delayed messages too, once a message at once has met it', async () => {
    const broker = new MemoryBroker();
    const client = await createClient({ broker });
    await client.send(remind, mail, { delay: 100 });
    broker.deleteQueue(QUEUE);
    await assert.rejects(client.send(remind, mail), code('E_PUBLISH_UNROUTABLE'));
    const id = await client.send(remind, mail, { delay: 100 });
    const sink = new RecordingSink();
    await broker.consume({ queue: QUEUE, prefetch: 10 }, sink);
    await sink.until(() => sink.deliveries.some(({ properties }) => properties.messageId === id));
    await broker.stop();
  });

  test('what waited for the broker has that much less to wait, and goes at once when its time is over', async () => {
    await using opened = await open();
    const { client, broker, arrivals } = opened;
    await client.send(remind, mail, { delay: 100 });
    broker.loseConnection();
    const from = performance.now();
    const [short, long] = [client.send(remind, mail, { delay: 1 }), client.send(remind, mail, { delay: 600 })];
    // Time itself is what is tested: until the second message has less than 300 ms left.
    while (performance.now() - from < 320) await new Promise(setImmediate);
    broker.restoreConnection();
    const [shortId, longId] = await Promise.all([short, long]);
    await opened.sink.until(() => arrivals.has(shortId));
    assert.equal(opened.sink.deliveries.at(-1)?.properties.headers, undefined, 'it was in no level');
    await opened.sink.until(() => arrivals.has(longId));
    assert.ok((arrivals.get(longId) as number) - from >= 600);
    const deaths = opened.sink.deliveries.at(-1)?.properties.headers?.['x-death'] as readonly { queue: string }[];
    const levels = deaths.map(({ queue }) => queue);
    assert.ok(!levels.includes(levelName(PREFIX, 2)), 'not the 400 ms of the first digit of 600 ms');
  });
});
