/** Connections that an operator closes come back by themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultJob } from '../support/fault-job.ts';
import { amqpUrl, managementUrl, mongoUrl, needs } from '../support/servers.ts';
import { VirtualHost } from '../support/virtual-host.ts';

/** What the three connections of a job call themselves: deliveries, follow-ups, and the client. */
const NAMES = ['worker', 'worker publisher', 'millrace publisher'];
const here = needs(amqpUrl, managementUrl, mongoUrl);

test(
  'an operator closes all connections while messages flow: they come back, each message is stored once',
  here,
  async (t) => {
    await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
    const job = await FaultJob.start(t, {
      broker: host.url,
      workerBroker: { urls: host.url, connectionName: 'worker' },
    });
    const retries = job.sender.sendAll('falter', 50);
    const flowing = job.sender.flow('store');
    const open = await host.connections(NAMES);
    const { acked } = job.stats;
    for (const connection of open) await host.closeConnection(connection.name);
    await job.until('the worker is back', (stats, { broker }) => broker.reconnects >= 1 && stats.acked > acked);
    await job.warned(/lost the broker, trying again .*320/);
    assert.equal((await host.connections(NAMES, open)).length, NAMES.length, 'each was replaced');
    job.sender.stopFlow();
    await flowing;
    await retries;
    const { stored } = await job.finish();
    assert.equal(stored.length, job.sender.confirmed.length);
    assert.ok(job.stats.redelivered > 0, 'what was unacked came again');
  },
);
