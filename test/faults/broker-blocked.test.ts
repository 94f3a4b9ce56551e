/** A broker that is short of memory or disk takes nothing more: publishing waits, says so, and goes on by itself. */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { RabbitServer } from '../../scripts/services/rabbitmq-server.ts';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { queueTopology } from '../../src/broker/topology.ts';
import { closeConnection } from '../support/close-connection.ts';
import { FaultJob } from '../support/fault-job.ts';
import { mongoUrl, needs, needsOwn } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const MESSAGES = 50;

interface Alarm {
  readonly name: 'memory' | 'disk';
  readonly raise: readonly string[];
  readonly end: readonly string[];
}

const MEMORY: Alarm = {
  name: 'memory',
  raise: ['set_vm_memory_high_watermark', '0.00001'],
  end: ['set_vm_memory_high_watermark', '0.6'],
};
/** More than any disk has, and less than any test needs. */
const DISK: Alarm = {
  name: 'disk',
  raise: ['set_disk_free_limit', '1000000GB'],
  end: ['set_disk_free_limit', '1MB'],
};

interface Alarmed {
  readonly broker: AmqpBroker;
  readonly told: string[];
  publish(n: number): Promise<void>;
}

// One node for all tests of the file, because an alarm blocks everyone on the server.
describe('a broker with an alarm', needsOwn('rabbitmq'), () => {
  let rabbit: RabbitServer;

  before(async () => {
    rabbit = await RabbitServer.start();
  });
  after(() => rabbit.remove());

  async function ctl(words: readonly string[]): Promise<void> {
    const { code, stderr } = await rabbit.ctl(...words);
    assert.equal(code, 0, stderr);
  }

  async function startAlarmed(t: TestContext): Promise<Alarmed> {
    const host = await VirtualHost.create(rabbit.amqpUrl, rabbit.managementUrl);
    const told: string[] = [];
    const listener = { blocked: (reason: string) => told.push(reason), unblocked: () => told.push('unblocked') };
    const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [host.url] }, listener);
    await broker.start();
    t.after(() => broker.stop());
    await broker.declare(queueTopology('work', 'quorum'));
    const publisher = await broker.publisher({ window: 10 });
    const publish = (n: number): Promise<void> => {
      const properties = { messageId: `m${n}`, deliveryMode: 2 as const };
      return publisher.publish({ exchange: '', routingKey: 'work', properties, body: Buffer.from('{}') });
    };
    return { broker, told, publish };
  }

  for (const alarm of [MEMORY, DISK]) {
    test(`while the broker has a ${alarm.name} alarm publishes wait, and none is lost`, async (t) => {
      const { broker, told, publish } = await startAlarmed(t);
      let confirmed = 0;
      const count = (n: number): Promise<void> => publish(n).then(() => void confirmed++);
      await count(0);
      await ctl(alarm.raise);
      const sent = Promise.all(Array.from({ length: MESSAGES - 1 }, (_, n) => count(n + 1)));
      await until('the broker blocks', () => told.length > 0, 30_000);
      assert.match(told[0] ?? '', alarm === MEMORY ? /memory/ : /disk/);
      assert.equal(broker.health().state, 'blocked');
      assert.ok(confirmed < MESSAGES, 'publishes wait');

      await ctl(alarm.end);
      await sent;
      await until('it is told', () => told.includes('unblocked'), 30_000);
      assert.equal(confirmed, MESSAGES);
      assert.equal(await broker.readyCount('work'), MESSAGES);
      assert.equal(broker.health().state, 'connected');
    });
  }

  test('a publishing connection that is lost while blocked does not leave the broker blocked', async (t) => {
    const { broker, told, publish } = await startAlarmed(t);
    await publish(0);
    await ctl(MEMORY.raise);
    const unconfirmed = assert.rejects(publish(1), { code: 'E_PUBLISH_UNCONFIRMED' });
    await until('the broker blocks', () => told.length > 0, 30_000);
    await closeConnection({ url: rabbit.managementUrl, user: 'guest', password: 'guest' }, 'millrace publisher');
    await unconfirmed;
    await ctl(MEMORY.end);
    assert.equal(broker.health().state, 'connected');
    await publish(2);
  });

  test(
    'a worker under a memory alarm goes on with what it can: what fails waits, status and log say so',
    needs(mongoUrl),
    async (t) => {
      await using host = await VirtualHost.create(rabbit.amqpUrl, rabbit.managementUrl);
      const job = await FaultJob.open(t, { broker: host.url });
      const fine = await job.sender.sendAll('store', 20 * MESSAGES);
      const refused = await job.sender.sendAll('refuse', MESSAGES);
      await job.sender.sendAll('falter', MESSAGES);
      await ctl(MEMORY.raise);
      await job.startWorker();
      await job.until('what can be done is done', ({ acked }) => acked === fine.length);
      await job.warned(/the broker blocks publishing .*memory/);
      assert.equal(job.status.health, 'degraded');
      assert.equal(job.status.broker.state, 'blocked');
      assert.deepEqual([job.stats.deadLettered, job.stats.retried], [0, 0]);

      await ctl(MEMORY.end);
      await job.until('the rest is done', ({ succeeded }) => succeeded === fine.length + MESSAGES);
      const { stored, deadLettered } = await job.finish();
      assert.equal(stored.length, fine.length + MESSAGES);
      assert.deepEqual([...deadLettered].sort(), refused.sort());
      assert.equal(job.stats.redelivered, 0);
    },
  );
});
