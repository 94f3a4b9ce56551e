import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { Connection } from 'rabbitmq-client';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { createClient } from '../../src/runtime/create-client.ts';
import { defineTask } from '../../src/task/define-task.ts';
import { runCli } from '../support/cli-process.ts';
import { RecordingSink } from '../support/recording-sink.ts';
import { amqpUrl, managementUrl, needs } from '../support/servers.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const url = amqpUrl ?? 'amqp://localhost';
const queue = `integration.client.${randomUUID()}`;
const recordCall = defineTask('record-call', { queue }, (_call: { readonly number: number }) => {});

const delayed = { ...needs(amqpUrl, managementUrl), timeout: 60_000 };

describe('the client on RabbitMQ', { ...needs(amqpUrl), timeout: 60_000 }, () => {
  after(async () => {
    const operator = new Connection(url);
    for (const name of [queue, `${queue}.suspects`, `${queue}.dead`]) await operator.queueDelete({ queue: name });
    await operator.close();
  });

  test('thousands of messages are confirmed and arrive as they were sent, in order', async () => {
    const client = await createClient({ broker: url, window: 500 });
    const count = 5000;
    const ids = await client.sendMany(
      recordCall,
      Array.from({ length: count }, (_, number) => ({ number })),
    );
    await client.close();
    const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [url] });
    await broker.start();
    const sink = new RecordingSink();
    const consumer = await broker.consume({ queue, prefetch: 2000 }, sink);
    sink.ackAllOf(consumer);
    await sink.received(count);
    await consumer.close();
    await broker.stop();
    assert.deepEqual(
      sink.deliveries.map(({ properties }) => properties.messageId),
      ids,
    );
    assert.deepEqual(
      sink.texts,
      ids.map((_, number) => JSON.stringify({ number })),
    );
  });

  test('a connection cut again and again loses no confirmed message', async () => {
    const target = new URL(url);
    const proxy = await TcpProxy.start(`${target.hostname}:${target.port || 5672}`);
    target.host = proxy.address;
    const client = await createClient({ broker: target.href, window: 50 });
    const watching = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [url] });
    await watching.start();
    const sink = new RecordingSink();
    await client.send(recordCall, { number: -1 });
    await watching.consume({ queue, prefetch: 2000 }, sink);
    const confirmed: string[] = [];
    for (let round = 0; round < 5; round++) {
      const sending = Array.from({ length: 100 }, (_, number) => client.send(recordCall, { number }));
      await sending[20 * round]?.catch(() => undefined); // cut at another place each round
      proxy.resetAll();
      for (const result of await Promise.allSettled(sending)) {
        if (result.status === 'fulfilled') confirmed.push(result.value);
        else assert.ok(isRuntimeError(result.reason, 'E_PUBLISH_UNCONFIRMED'), String(result.reason));
      }
    }
    // The last cut may not have been noticed yet: what is unconfirmed is sent again with its id.
    const last = { id: randomUUID() };
    await client.send(recordCall, { number: -2 }, last).catch(() => client.send(recordCall, { number: -2 }, last));
    const arrived = (): Set<unknown> => new Set(sink.deliveries.map(({ properties }) => properties.messageId));
    await sink.until(() => sink.texts.includes('{"number":-2}'));
    const ids = arrived();
    assert.deepEqual(
      confirmed.filter((id) => !ids.has(id)),
      [],
    );
    assert.ok(confirmed.length >= 150, `${confirmed.length} confirmed`);
    await client.close();
    await watching.stop();
    await proxy.stop();
  });

  test('a client for a broker that is not there says so in one line without the password', async () => {
    const away = new URL(url);
    away.port = '1';
    away.password = 's3cret';
    await assert.rejects(createClient({ broker: away.href }), (error: unknown) => {
      assert.ok(isRuntimeError(error, 'E_BROKER_UNREACHABLE'), String(error));
      assert.doesNotMatch(`${error.message} ${error.stack}`, /s3cret|\n.*\n.*expected/);
      return true;
    });
  });
});

test('delays and start deadlines of the client and of `millrace send` hold on RabbitMQ', delayed, async (t) => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const client = await createClient({ broker: host.url });
  // Declares the levels. A delay counts from the call, so on a busy machine nothing might be left of it after that.
  await client.sendMany(recordCall, [], { delay: 1 });
  const sent = Date.now();
  const asked: Record<string, number> = { delay: 2_500, at: 2_000, now: 0 };
  const ids = new Map([
    [await client.send(recordCall, { number: 1 }, { delay: asked['delay'] as number }), 'delay'],
    [await client.send(recordCall, { number: 2 }, { at: Date.now() + (asked['at'] as number) }), 'at'],
    [await client.send(recordCall, { number: 3 }), 'now'],
  ]);
  await client.close();
  const words = ['send', '-t', 'record-call', '-q', queue, '-p', '{"number":4}', '--delay', '3s'];
  const cli = await runCli([...words, '--start-within', '10m'], { AMQP_URL: host.url });
  const ended = Date.now();
  assert.deepEqual([cli.code, cli.err], [0, '']);

  const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [host.url] });
  await broker.start();
  t.after(() => broker.stop());
  const sink = new RecordingSink();
  await broker.consume({ queue, prefetch: 10 }, sink);
  await sink.received(4);
  for (const { properties } of sink.deliveries) {
    const { messageId = '', timestamp = 0, headers } = properties;
    const name = ids.get(messageId);
    if (name === undefined) {
      const due = Number(headers?.['x-start-by']) - 600_000;
      assert.ok(due >= sent + 3_000 && due <= ended + 3_000, 'ten minutes after it was due');
      assert.ok(levelsOf(headers) > 0, 'it waited');
    } else {
      assert.equal(levelsOf(headers) === 0, name === 'now', name);
      assert.ok(timestamp >= Math.floor((sent + (asked[name] ?? 0)) / 1000), 'its time is the one it is due at');
    }
  }
});

function levelsOf(headers: Readonly<Record<string, unknown>> = {}): number {
  const deaths = headers['x-death'];
  return Array.isArray(deaths) ? deaths.length : 0;
}
