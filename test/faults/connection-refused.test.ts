/** A broker that takes the worker in no more: its status is red, the log says why, and it is back when it may. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { FaultJob } from '../support/fault-job.ts';
import { amqpUrl, managementUrl, mongoUrl, needs } from '../support/servers.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const MESSAGES = 500;
const here = needs(amqpUrl, managementUrl, mongoUrl);

interface Visitor {
  readonly host: VirtualHost;
  readonly user: string;
  readonly job: FaultJob;
  /** Ends the worker's connection for deliveries, so that it has to log in again. */
  closeDeliveries(): Promise<void>;
}

/** A worker that logs in as a user of its own, which an operator can then treat badly. */
async function startVisitor(t: TestContext, host: VirtualHost): Promise<Visitor> {
  const user = `visitor-${randomUUID()}`;
  await host.createUser(user, 'first');
  t.after(() => host.removeUser(user));
  await host.permit(user, '.*');
  const url = new URL(host.url);
  url.username = user;
  url.password = 'first';
  const job = await FaultJob.start(t, { broker: host.url, workerBroker: { urls: url.href, connectionName: 'worker' } });
  const closeDeliveries = async (): Promise<void> => {
    const [open] = await host.connections(['worker']);
    await host.closeConnection(open?.name ?? '');
  };
  await job.sender.sendAll('store', MESSAGES);
  await job.until('they are done', ({ acked }) => acked === MESSAGES);
  return { host, user, job, closeDeliveries };
}

/** Messages that come meanwhile wait in the queue, and are done when the worker is back. */
async function finishMeanwhile({ job }: Visitor, restore: () => Promise<void>): Promise<void> {
  await job.sender.sendAll('store', MESSAGES);
  await restore();
  await job.until('it is well again', (_, { health }) => health === 'ok');
  const { stored } = await job.finish();
  assert.equal(stored.length, 2 * MESSAGES);
}

test('the password is changed: red status with the reason, back by itself when it fits again', here, async (t) => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const visitor = await startVisitor(t, host);
  await host.createUser(visitor.user, 'second');
  assert.equal(visitor.job.status.health, 'ok', 'an open connection stays open');
  await visitor.closeDeliveries();
  await visitor.job.warned(/lost the broker, trying again .*E_BROKER_AUTH/);
  await visitor.job.until('status says why', (_, { health, problems }) => {
    return health === 'degraded' && problems.some((problem) => /ACCESS_REFUSED/.test(problem));
  });
  await finishMeanwhile(visitor, () => host.createUser(visitor.user, 'first'));
});

test('the virtual host takes no more connections: red status with the reason, back when it does', here, async (t) => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const visitor = await startVisitor(t, host);
  await host.limit('max-connections', 0);
  await visitor.closeDeliveries();
  await visitor.job.until('status says why', (_, { health, problems }) => {
    return health === 'degraded' && problems.some((problem) => /connection limit/.test(problem));
  });
  assert.ok(visitor.job.warnings.some((line) => /lost the broker.*connection limit/.test(line)));
  await finishMeanwhile(visitor, () => host.limit('max-connections', undefined));
});

test('the user may have no more channels: red status with the reason, back when it may', here, async (t) => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const visitor = await startVisitor(t, host);
  await host.limitChannels(visitor.user, 1);
  await visitor.closeDeliveries();
  await visitor.job.until('status says why', (_, { health, problems }) => {
    return health === 'degraded' && problems.some((problem) => /maximum allowed/.test(problem));
  });
  await finishMeanwhile(visitor, () => host.limitChannels(visitor.user, undefined));
});

test(
  'the permissions are withdrawn while connected: a dead letter is kept back and status says so',
  here,
  async (t) => {
    await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
    const visitor = await startVisitor(t, host);
    const { job } = visitor;
    await host.permit(visitor.user, '^$');
    const refused = await job.sender.sendAll('refuse', 3);
    await job.until('status says why', (_, { health, problems }) => {
      return (
        health === 'degraded' &&
        problems.some((problem) => /dead letter.*(ACCESS_REFUSED|access.*refused)/.test(problem))
      );
    });
    await job.warned(/dead letter.*not taken/);
    await host.permit(visitor.user, '.*');
    await job.until('it is well again', (_, { health }) => health === 'ok');
    const { deadLettered } = await job.finish();
    assert.deepEqual([...deadLettered].sort(), refused.sort());
  },
);
