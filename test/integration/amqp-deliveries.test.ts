import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS, type AmqpBrokerOptions } from '../../src/broker/amqp/amqp-options.ts';
import type { BrokerListener, Consumer } from '../../src/broker/broker.ts';
import type { ErrorCode } from '../../src/errors/codes.ts';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { closeConnection } from '../support/close-connection.ts';
import { RecordingSink } from '../support/recording-sink.ts';
import { amqpUrl, managementUrl, needs } from '../support/servers.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const LIMIT = { timeout: 30_000 };
const url = new URL(amqpUrl ?? 'amqp://guest:guest@localhost');
const MEBIBYTE = 1024 * 1024;

function urlWith(change: (changed: URL) => void): string {
  const changed = new URL(url);
  change(changed);
  return changed.href;
}

async function start(
  context: TestContext,
  options: Partial<AmqpBrokerOptions> = {},
  listener: BrokerListener = {},
): Promise<AmqpBroker> {
  const resolved = { ...AMQP_DEFAULTS, urls: [url.href], reconnect: { minMs: 5, maxMs: 200 }, ...options };
  const broker = new AmqpBroker(resolved, listener);
  context.after(() => broker.stop());
  await broker.start();
  return broker;
}

/** A queue that goes away by itself once nobody has used it for a minute. */
async function declareQueue(broker: AmqpBroker): Promise<string> {
  const name = `integration.${randomUUID()}`;
  await broker.declare({ exchanges: [], queues: [{ name, arguments: { 'x-expires': 60_000 } }], bindings: [] });
  return name;
}

async function publish(broker: AmqpBroker, queue: string, bodies: readonly Buffer[]): Promise<void> {
  const publisher = await broker.publisher({ window: 100 });
  await Promise.all(bodies.map((body) => publisher.publish({ exchange: '', routingKey: queue, properties: {}, body })));
  await publisher.close();
}

/** Publishes on a connection of its own, so that a test may do what it likes to the consuming one. */
async function fill(context: TestContext, queue: string, bodies: readonly Buffer[]): Promise<void> {
  const broker = await start(context);
  await publish(broker, queue, bodies);
  await broker.stop();
}

async function consume(
  broker: AmqpBroker,
  queue: string,
  prefetch: number,
): Promise<{ consumer: Consumer; sink: RecordingSink }> {
  const sink = new RecordingSink();
  return { consumer: await broker.consume({ queue, prefetch }, sink), sink };
}

async function startRejects(options: Partial<AmqpBrokerOptions>, code: ErrorCode): Promise<string> {
  const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [url.href], ...options });
  let message = '';
  await assert.rejects(broker.start(), (error: unknown) => {
    assert.ok(isRuntimeError(error, code), `expected ${code}, got ${String(error)}`);
    ({ message } = error);
    return true;
  });
  await broker.stop();
  return message;
}

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('deliveries from RabbitMQ', needs(amqpUrl), () => {
  test('a wrong password is E_BROKER_AUTH and is not shown', LIMIT, async () => {
    const urls = [urlWith((changed) => void (changed.password = 'n0t-the-one'))];
    const message = await startRejects({ urls }, 'E_BROKER_AUTH');
    assert.match(message, /ACCESS_REFUSED/);
    assert.ok(!message.includes('n0t-the-one'));
  });

  test('a missing virtual host is E_BROKER_VHOST', LIMIT, async () => {
    const urls = [urlWith((changed) => void (changed.pathname = '/no-such-vhost'))];
    assert.match(await startRejects({ urls }, 'E_BROKER_VHOST'), /no-such-vhost/);
  });

  test('a host where nobody listens is E_BROKER_UNREACHABLE', LIMIT, async () => {
    assert.match(await startRejects({ urls: ['amqp://127.0.0.1:1'] }, 'E_BROKER_UNREACHABLE'), /127\.0\.0\.1:1/);
  });

  test('a host name that does not resolve is E_BROKER_UNREACHABLE', LIMIT, async () => {
    await startRejects({ urls: ['amqp://no-such-host.invalid'] }, 'E_BROKER_UNREACHABLE');
  });

  test('of several hosts the first that answers is used', LIMIT, async (context) => {
    const broker = await start(context, { urls: ['amqp://127.0.0.1:1', url.href] });
    assert.equal(broker.health().state, 'connected');
    assert.match(broker.health().server ?? '', /^\S+ \d+\.\d+/);
  });

  test('bodies from 0 bytes to 16 MiB arrive byte for byte, in order', LIMIT, async (context) => {
    const sizes = [0, 1, 2, 131_063, 131_064, 131_065, 300_000, MEBIBYTE, 5 * MEBIBYTE, 16 * MEBIBYTE, 0, 7];
    const bodies = sizes.map((size) => randomBytes(size));
    const broker = await start(context);
    const queue = await declareQueue(broker);
    await publish(broker, queue, bodies);
    const { consumer, sink } = await consume(broker, queue, 100);
    await sink.received(bodies.length);
    assert.deepEqual(
      sink.deliveries.map(({ body }) => sha(body)),
      bodies.map(sha),
    );
    consumer.ack(consumer.epoch, bodies.length, true);
    await consumer.close();
    assert.equal(await broker.readyCount(queue), 0);
  });

  test('a stream cut into pieces of seven bytes gives the same deliveries', LIMIT, async (context) => {
    const proxy = await TcpProxy.start(`${url.hostname}:${url.port || 5672}`);
    context.after(() => proxy.stop());
    const broker = await start(context, { urls: [urlWith((changed) => void (changed.host = proxy.address))] });
    const queue = await declareQueue(broker);
    const bodies = Array.from({ length: 50 }, (_, index) => randomBytes(index * 7));
    await fill(context, queue, bodies);
    proxy.slice(7);
    const { sink } = await consume(broker, queue, 100);
    await sink.received(bodies.length);
    assert.deepEqual(
      sink.deliveries.map(({ body }) => sha(body)),
      bodies.map(sha),
    );
  });

  test(
    'a broker that vanished without a word is noticed, and deliveries go on when it is back',
    LIMIT,
    async (context) => {
      const proxy = await TcpProxy.start(`${url.hostname}:${url.port || 5672}`);
      context.after(() => proxy.stop());
      const lost: string[] = [];
      const urls = [urlWith((changed) => void (changed.host = proxy.address))];
      const broker = await start(
        context,
        { urls, heartbeatSeconds: 1, connectTimeoutMs: 500 },
        { lost: ({ code }) => lost.push(code) },
      );
      const queue = await declareQueue(broker);
      const { consumer, sink } = await consume(broker, queue, 10);
      await fill(context, queue, [Buffer.from('a')]);
      await sink.received(1);
      const at = performance.now();
      proxy.blackHole();
      await sink.until(() => sink.closed.length === 1);
      assert.equal(lost[0], 'E_BROKER_HEARTBEAT');
      assert.ok(performance.now() - at < 3000, 'twice the heartbeat, and a second for a busy machine');
      await proxy.resume();
      await sink.received(2);
      assert.deepEqual(
        sink.deliveries.map(({ epoch, tag }) => [epoch, tag]),
        [
          [1, 1],
          [2, 1],
        ],
      );
      assert.equal(sink.texts[1], 'a');
      consumer.ack(1, 1, false);
      assert.equal(consumer.staleAcks, 1);
    },
  );
});

describe('deliveries from RabbitMQ, with its management API', needs(amqpUrl, managementUrl), () => {
  test('a connection killed by an operator brings a new epoch with what was unacked', LIMIT, async (context) => {
    const connectionName = `killed-${randomUUID()}`;
    const lost: string[] = [];
    const broker = await start(
      context,
      { connectionName },
      { lost: (error) => lost.push(`${error.code} ${error.message}`) },
    );
    const queue = await declareQueue(broker);
    await fill(
      context,
      queue,
      ['a', 'b', 'c'].map((text) => Buffer.from(text)),
    );
    const { consumer, sink } = await consume(broker, queue, 10);
    await sink.received(3);
    consumer.ack(1, 1, false);
    consumer.flush();
    await killConnection(connectionName);
    await sink.received(5);
    assert.deepEqual(sink.opened, [1, 2]);
    assert.match(lost[0] ?? '', /^E_BROKER_CONNECTION_CLOSED .*320/);
    assert.deepEqual(
      sink.deliveries.slice(3).map(({ body, redelivered }) => [body.toString(), redelivered]),
      [
        ['b', true],
        ['c', true],
      ],
    );
    consumer.ack(1, 3, true);
    consumer.ack(2, 2, true);
    await consumer.close();
    assert.equal(consumer.staleAcks, 1);
    assert.equal(await broker.readyCount(queue), 0);
  });
});

async function killConnection(connectionName: string): Promise<void> {
  const management = new URL(managementUrl ?? '');
  const user = management.username || url.username || 'guest';
  const password = management.password || url.password || 'guest';
  await closeConnection({ url: `${management.protocol}//${management.host}`, user, password }, connectionName);
}
