/** Confirms that the broker gave and nobody received: what was published is published again with the same id. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadQueueName } from '../../src/broker/topology.ts';
import { FaultJob } from '../support/fault-job.ts';
import { queuedIds } from '../support/queued-ids.ts';
import { amqpUrl, managementUrl, mongoUrl, needs } from '../support/servers.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const MESSAGES = 400;
const here = needs(amqpUrl, managementUrl, mongoUrl);

test(
  "a client's confirms lost: it sends again with the same ids, the queue has some twice, the store has each once",
  here,
  async (t) => {
    await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
    const proxy = await TcpProxy.start(new URL(host.url).host);
    t.after(() => proxy.stop());
    const job = await FaultJob.open(t, { broker: host.url, clientBroker: proxy.through(host.url) });
    await job.sender.sendAll('store', 1); // the queue is declared
    const published = proxy.bytes('to-server');
    proxy.blackHole({ direction: 'to-client' });
    const sent = job.sender.sendAll('store', MESSAGES);
    await proxy.until(() => proxy.bytes('to-server') > published + 20_000);
    // The broker has them, and its confirms are on their way to nobody.
    const lost = proxy.bytes('to-client');
    await proxy.until(() => proxy.bytes('to-client') > lost);
    await proxy.resume(); // resets what was caught
    await sent;
    const again = job.sender.again.get('E_PUBLISH_UNCONFIRMED') ?? 0;
    assert.ok(again > 0, 'the sender was told');
    const queued = await queuedIds(host.url, job.queue);
    const twice = queued.length - new Set(queued).size;
    t.diagnostic(`${again} sent again, ${twice} are in the queue twice`);
    assert.ok(twice > 0 && twice <= again, 'the broker had taken what it could not confirm');

    await job.startWorker();
    const { stored } = await job.finish();
    assert.equal(stored.length, MESSAGES + 1);
    assert.equal(job.stats.handlerCalls, MESSAGES + 1 + twice, 'each copy ran');
  },
);

test(
  "a worker's confirms lost: its dead letters are published again with the same ids, none is lost",
  here,
  async (t) => {
    await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
    const proxy = await TcpProxy.start(new URL(host.url).host);
    t.after(() => proxy.stop());
    const workerBroker = { urls: proxy.through(host.url), connectionName: 'worker' };
    const job = await FaultJob.start(t, { broker: host.url, workerBroker });
    const fine = await job.sender.sendAll('store', MESSAGES);
    await job.until('they are done', ({ acked }) => acked === MESSAGES);
    proxy.blackHole({ direction: 'to-client', named: 'worker publisher' });
    const refused = await job.sender.sendAll('refuse', 50);
    await job.untilReady(deadQueueName(job.queue), refused.length);
    assert.equal(job.stats.deadLettered, 0, 'the broker has them all, and the worker was told of none');
    await proxy.resume(); // resets what was caught
    const { stored, deadLettered } = await job.finish({ mayOverlap: true });
    assert.equal(deadLettered.length, 2 * refused.length, 'each is there twice');
    assert.deepEqual([...new Set(deadLettered)].sort(), refused.sort());
    assert.equal(stored.length, fine.length);
    assert.equal(job.stats.deadLettered, refused.length);
    assert.equal(job.stats.redelivered, 0, 'the messages themselves stayed with the worker');
  },
);

test(
  "a worker's confirms lost: its retries are published again, each copy runs, each effect is there once",
  here,
  async (t) => {
    await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
    const proxy = await TcpProxy.start(new URL(host.url).host);
    t.after(() => proxy.stop());
    const workerBroker = { urls: proxy.through(host.url), connectionName: 'worker' };
    const job = await FaultJob.start(t, { broker: host.url, workerBroker });
    await job.sender.sendAll('falter', 1); // the delay levels are declared
    await job.until('it is retried', ({ succeeded }) => succeeded === 1);
    proxy.blackHole({ direction: 'to-client', named: 'worker publisher' });
    const faltering = await job.sender.sendAll('falter', 50);
    await job.until('the broker has the retries, and they have run', ({ succeeded }) => succeeded === 51);
    assert.equal(job.stats.retried, 1, 'the worker was told of none of them');
    await proxy.resume(); // resets what was caught
    await job.until('the copies have run too', ({ succeeded }) => succeeded === 101);
    const { stored } = await job.finish();
    assert.equal(stored.length, 51);
    assert.equal(job.stats.retried, 51);
    assert.equal(job.stats.redelivered, 0);
    assert.equal(new Set(faltering).size, 50);
  },
);
