/** A broker that is short of memory takes nothing more: publishing waits, says so, and goes on by itself. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RabbitServer } from '../../scripts/services/rabbitmq-server.ts';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import type { Publisher } from '../../src/broker/broker.ts';
import { queueTopology } from '../../src/broker/topology.ts';
import { closeConnection } from '../support/close-connection.ts';
import { needsOwn } from '../support/servers.ts';
import { until } from '../support/until.ts';

const MESSAGES = 50;

interface Alarmed {
  readonly rabbit: RabbitServer;
  readonly broker: AmqpBroker;
  readonly publisher: Publisher;
  readonly told: string[];
  publish(n: number): Promise<void>;
  raiseAlarm(): Promise<unknown>;
  endAlarm(): Promise<unknown>;
}

/** A node of the test's own, because an alarm blocks everyone on the server. */
async function startAlarmed(t: TestContext): Promise<Alarmed> {
  const rabbit = await RabbitServer.start();
  t.after(() => rabbit.remove());
  const told: string[] = [];
  const listener = { blocked: (reason: string) => told.push(reason), unblocked: () => told.push('unblocked') };
  const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [rabbit.amqpUrl] }, listener);
  await broker.start();
  t.after(() => broker.stop());
  await broker.declare(queueTopology('work', 'quorum'));
  const publisher = await broker.publisher({ window: 10 });
  const publish = (n: number): Promise<void> => {
    const properties = { messageId: `m${n}`, deliveryMode: 2 as const };
    return publisher.publish({ exchange: '', routingKey: 'work', properties, body: Buffer.from('{}') });
  };
  const raiseAlarm = (): Promise<unknown> => rabbit.ctl('set_vm_memory_high_watermark', '0.00001');
  const endAlarm = (): Promise<unknown> => rabbit.ctl('set_vm_memory_high_watermark', '0.6');
  return { rabbit, broker, publisher, told, publish, raiseAlarm, endAlarm };
}

test('while the broker has a memory alarm publishes wait, and none is lost', needsOwn('rabbitmq'), async (t) => {
  const { broker, told, publish, raiseAlarm, endAlarm } = await startAlarmed(t);
  let confirmed = 0;
  const count = (n: number): Promise<void> => publish(n).then(() => void confirmed++);
  await count(0);
  await raiseAlarm();
  const sent = Promise.all(Array.from({ length: MESSAGES - 1 }, (_, n) => count(n + 1)));
  await until('the broker blocks', () => told.length > 0, 30_000);
  assert.equal(broker.health().state, 'blocked');
  assert.ok(confirmed < MESSAGES, 'publishes wait');

  await endAlarm();
  await sent;
  await until('it is told', () => told.includes('unblocked'), 30_000);
  assert.equal(confirmed, MESSAGES);
  assert.equal(await broker.readyCount('work'), MESSAGES);
  assert.equal(broker.health().state, 'connected');
});

test(
  'a publishing connection that is lost while blocked does not leave the broker blocked',
  needsOwn('rabbitmq'),
  async (t) => {
    const { rabbit, broker, told, publish, raiseAlarm, endAlarm } = await startAlarmed(t);
    await publish(0);
    await raiseAlarm();
    const unconfirmed = assert.rejects(publish(1), { code: 'E_PUBLISH_UNCONFIRMED' });
    await until('the broker blocks', () => told.length > 0, 30_000);
    await closeConnection({ url: rabbit.managementUrl, user: 'guest', password: 'guest' }, 'millrace publisher');
    await unconfirmed;
    await endAlarm();
    assert.equal(broker.health().state, 'connected');
    await publish(2);
  },
);
