/** The broker is stopped and started, or stands still, while a sender and a worker use it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RabbitServer } from '../../scripts/services/rabbitmq-server.ts';
import { FaultJob } from '../support/fault-job.ts';
import { allOf } from '../support/fault-options.ts';
import { faultRandom } from '../support/fault-seed.ts';
import { mongoUrl, needs, needsOwn } from '../support/servers.ts';

describe('a broker that goes away', allOf(needs(mongoUrl), needsOwn('rabbitmq')), () => {
  let rabbit: RabbitServer;

  before(async () => {
    rabbit = await RabbitServer.start();
  });
  after(() => rabbit.remove());

  test('the broker is stopped and started under load: what was confirmed is there, each effect once', async (t) => {
    const random = faultRandom(t);
    const job = await FaultJob.start(t, { broker: rabbit.amqpUrl });
    const faltering = job.sender.sendAll('falter', 100);
    const counting = job.sender.sendAll('count', 500);
    const flowing = job.sender.flow('store');
    const mark = random.integer(500, 3_000);
    await job.until(`${mark} are acked`, ({ acked }) => acked >= mark);
    await rabbit.stop();
    await job.until('the loss is noticed', (_, { health }) => health === 'degraded');
    await job.warned(/lost the broker, trying again/);
    const { confirmed } = job.sender;
    const before = confirmed.length;
    await rabbit.start();
    await job.until('messages flow again', ({ redelivered }) => redelivered > 0 && confirmed.length > before);
    job.sender.stopFlow();
    await flowing;
    await faltering;
    const counts = await counting;
    assert.ok(job.status.broker.reconnects >= 1);
    const { stored } = await job.finish({ done: counts, waiting: ['millrace.delay.level-00'] });
    assert.equal(stored.length, confirmed.length);
    assert.equal(await job.counted(), counts.length, 'an increment is applied once');
  });

  test('the broker stands still and answers nothing: given up after the heartbeats, found again when it moves', async (t) => {
    const job = await FaultJob.start(t, { broker: rabbit.amqpUrl, workerBroker: `${rabbit.amqpUrl}?heartbeat=1` });
    await job.sender.sendAll('store', 1_000);
    await job.until('they are done', ({ acked }) => acked === 1_000);
    rabbit.freeze();
    try {
      await job.until('the silence is noticed', (_, { broker }) => broker.state !== 'connected');
      assert.equal(job.status.health, 'degraded');
    } finally {
      rabbit.thaw();
    }
    await job.sender.sendAll('store', 1_000);
    const { stored } = await job.finish();
    assert.equal(stored.length, 2_000);
    assert.ok(job.status.broker.reconnects >= 1);
  });
});
