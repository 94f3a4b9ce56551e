/** A broker that is short of memory takes nothing more: publishing waits, says so, and goes on by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RabbitServer } from '../../scripts/services/rabbitmq-server.ts';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { queueTopology } from '../../src/broker/topology.ts';
import { needsOwn } from '../support/servers.ts';
import { until } from '../support/until.ts';

const MESSAGES = 50;

test('while the broker has a memory alarm publishes wait, and none is lost', needsOwn('rabbitmq'), async (t) => {
  const rabbit = await RabbitServer.start();
  t.after(() => rabbit.remove());
  const told: string[] = [];
  const listener = { blocked: (reason: string) => told.push(reason), unblocked: () => told.push('unblocked') };
  const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [rabbit.amqpUrl] }, listener);
  await broker.start();
  t.after(() => broker.stop());
  await broker.declare(queueTopology('work', 'quorum'));
  const publisher = await broker.publisher({ window: 10 });
  let confirmed = 0;
  const publish = (n: number): Promise<void> =>
    publisher
      .publish({
        exchange: '',
        routingKey: 'work',
        properties: { messageId: `m${n}`, deliveryMode: 2 },
        body: Buffer.from('{}'),
      })
      .then(() => void confirmed++);
  await publish(0);

  await rabbit.ctl('set_vm_memory_high_watermark', '0.00001');
  const sent = Promise.all(Array.from({ length: MESSAGES - 1 }, (_, n) => publish(n + 1)));
  await until('the broker blocks', () => told.length > 0, 30_000);
  assert.equal(broker.health().state, 'blocked');
  assert.ok(confirmed < MESSAGES, 'publishes wait');

  await rabbit.ctl('set_vm_memory_high_watermark', '0.6');
  await sent;
  await until('it is told', () => told.includes('unblocked'), 30_000);
  assert.equal(confirmed, MESSAGES);
  assert.equal(await broker.readyCount('work'), MESSAGES);
  assert.equal(broker.health().state, 'connected');
});
