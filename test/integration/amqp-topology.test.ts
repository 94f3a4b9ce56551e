import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { Connection } from 'rabbitmq-client';
import { type AdminConnection, openAdminConnection } from '../../src/broker/amqp/admin-connection.ts';
import { AMQP_DEFAULTS, type AmqpBrokerOptions } from '../../src/broker/amqp/amqp-options.ts';
import { queueTopology, type Topology } from '../../src/broker/topology.ts';
import type { ErrorCode } from '../../src/errors/codes.ts';
import { isRuntimeError, type RuntimeError } from '../../src/errors/runtime-error.ts';
import { amqpUrl, needs } from '../support/servers.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const url = amqpUrl ?? 'amqp://localhost';
const options: AmqpBrokerOptions = { ...AMQP_DEFAULTS, urls: [url], reconnect: { minMs: 5, maxMs: 50 } };
const NOTHING: Topology = { exchanges: [], queues: [], bindings: [] };

const declared: string[] = [];
function queueName(): string {
  const name = `integration.topology.${randomUUID()}`;
  declared.push(name, `${name}.suspects`, `${name}.dead`);
  return name;
}

async function using(
  work: (admin: AdminConnection) => Promise<void>,
  more: Partial<AmqpBrokerOptions> = {},
): Promise<void> {
  const admin = await openAdminConnection({ ...options, ...more });
  try {
    await work(admin);
  } finally {
    await admin.close();
  }
}

async function refused(promise: Promise<unknown>, code: ErrorCode): Promise<RuntimeError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(isRuntimeError(error, code), `expected ${code}, got ${String(error)}`);
    return error;
  }
  return assert.fail(`expected ${code}, got no error`);
}

describe('topology on RabbitMQ', { ...needs(amqpUrl), timeout: 60_000 }, () => {
  after(async () => {
    const operator = new Connection(url);
    for (const queue of declared) await operator.queueDelete({ queue });
    await operator.close();
  });

  test('a missing queue gets its dead-letter queue, exchange and arguments', async () => {
    await using(async (admin) => {
      const queue = queueName();
      await admin.declare(queueTopology(queue, 'quorum'));
      assert.equal(await admin.readyCount(queue), 0);
      assert.equal(await admin.readyCount(`${queue}.dead`), 0);
      const operator = new Connection(url);
      // Declaring with exactly these arguments is refused unless they are the queue's own.
      for (const spec of queueTopology(queue, 'quorum').queues)
        await operator.queueDeclare({
          queue: spec.name,
          durable: true,
          arguments: {
            ...spec.arguments,
            ...(spec.keepsReturned === true ? { 'x-delivery-limit': 1_000_000_000 } : {}),
          },
        });
      await operator.close();
    });
  });

  test('a dead-letter queue that exists with another limit of returns, or of another type, stays as it is', async () => {
    await using(async (admin) => {
      const operator = new Connection(url);
      for (const settings of [
        { 'x-queue-type': 'quorum' as const, 'x-delivery-limit': 5 },
        { 'x-queue-type': 'classic' as const },
      ]) {
        const queue = queueName();
        await operator.queueDeclare({ queue: `${queue}.dead`, durable: true, arguments: settings });
        await admin.declare(queueTopology(queue, 'quorum'));
        await operator.queueDeclare({ queue: `${queue}.dead`, durable: true, arguments: settings });
      }
      const classic = queueName();
      await admin.declare(queueTopology(classic, 'classic'));
      await operator.queueDeclare({
        queue: `${classic}.dead`,
        durable: true,
        arguments: { 'x-queue-type': 'classic' },
      });
      await operator.close();
    });
  });

  test('queues with other arguments, transient or auto-deleted ones are used as they are', async () => {
    await using(async (admin) => {
      const operator = new Connection(url);
      for (const settings of [
        { durable: false },
        { durable: true, autoDelete: true },
        { durable: true, arguments: { 'x-max-length': 5 } },
      ]) {
        const queue = queueName();
        await operator.queueDeclare({ queue, ...settings });
        await admin.declare(queueTopology(queue, 'quorum'));
        await operator.queueDeclare({ queue, ...settings }); // still the same
      }
      await operator.close();
    });
  });

  test('arguments that the broker does not accept are E_BROKER_TOPOLOGY with what it says', async () => {
    await using(async (admin) => {
      const name = queueName();
      const error = await refused(
        admin.declare({ ...NOTHING, queues: [{ name, arguments: { 'x-queue-type': 'no-such-type' } }] }),
        'E_BROKER_TOPOLOGY',
      );
      assert.match(error.message, /x-queue-type|no-such-type/);
      await refused(admin.readyCount(name), 'E_BROKER_QUEUE_MISSING');
    });
  });

  test('a queue that is exclusive to another connection is E_BROKER_ACCESS', async () => {
    await using(async (admin) => {
      const operator = new Connection(url);
      const { queue } = await operator.queueDeclare({ exclusive: true });
      await refused(admin.readyCount(queue), 'E_BROKER_ACCESS');
      await operator.close();
    });
  });

  test('a reserved name is E_BROKER_ACCESS', async () => {
    await using(async (admin) => {
      await refused(admin.declare({ ...NOTHING, queues: [{ name: 'amq.mine', arguments: {} }] }), 'E_BROKER_ACCESS');
      await refused(
        admin.declare({ ...NOTHING, exchanges: [{ name: 'amq.mine', type: 'direct' }] }),
        'E_BROKER_ACCESS',
      );
    });
  });

  test('wrong credentials, virtual host, port, host and URL each have their code, and no message has the password', async () => {
    const at = (change: (target: URL) => void): AmqpBrokerOptions => {
      const target = new URL(url);
      change(target);
      return { ...options, urls: [target.href], connectTimeoutMs: 3000 };
    };
    const cases: readonly [ErrorCode, AmqpBrokerOptions][] = [
      ['E_BROKER_AUTH', at((target) => (target.password = 's3cret'))],
      ['E_BROKER_VHOST', at((target) => (target.pathname = '/nowhere-s3cret-less'))],
      ['E_BROKER_UNREACHABLE', at((target) => (target.port = '1'))],
      ['E_BROKER_UNREACHABLE', at((target) => (target.hostname = 'nowhere.invalid'))],
      ['E_BROKER_URL', { ...options, urls: ['amqp://u:s3cret@host:port'] }],
      ['E_BROKER_URL', { ...options, urls: [] }],
    ];
    for (const [code, wrong] of cases) {
      const error = await refused(openAdminConnection(wrong), code);
      assert.doesNotMatch(`${error.message} ${JSON.stringify(error.details)}`, /s3cret(?!-less)/);
      if (code !== 'E_BROKER_URL') assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /s3cret(?!-less)/);
    }
  });

  test('of several hosts the first that works is used, and if none does all are named', async () => {
    const dead = new URL(url);
    dead.port = '1';
    await using(async (admin) => assert.equal(await admin.readyCount(await declaredQueue(admin)), 0), {
      urls: [dead.href, url],
    });
    const other = new URL(dead.href);
    other.port = '2';
    const error = await refused(
      openAdminConnection({ ...options, urls: [dead.href, other.href] }),
      'E_BROKER_UNREACHABLE',
    );
    assert.match(error.message, /:1\b/);
    assert.match(error.message, /:2\b/);
  });

  test('a host that accepts and says nothing is E_BROKER_UNREACHABLE after the timeout', async () => {
    const target = new URL(url);
    const proxy = await TcpProxy.start(`${target.hostname}:${target.port || 5672}`);
    proxy.blackHole();
    target.host = proxy.address;
    try {
      await refused(
        openAdminConnection({ ...options, urls: [target.href], connectTimeoutMs: 200 }),
        'E_BROKER_UNREACHABLE',
      );
    } finally {
      await proxy.stop();
    }
  });

  test('declaring waits for a connection that is away, and gives up after the timeout', async () => {
    const target = new URL(url);
    const proxy = await TcpProxy.start(`${target.hostname}:${target.port || 5672}`);
    target.host = proxy.address;
    const admin = await openAdminConnection({ ...options, urls: [target.href], connectTimeoutMs: 2000 });
    try {
      const queue = await declaredQueue(admin);
      proxy.resetAll();
      assert.equal(await admin.readyCount(queue), 0);
      await proxy.stopAccepting();
      proxy.resetAll();
      await refused(admin.readyCount(queue), 'E_BROKER_UNREACHABLE');
    } finally {
      await admin.close();
      await proxy.stop();
    }
  });
});

async function declaredQueue(admin: AdminConnection): Promise<string> {
  const name = queueName();
  await admin.declare({ ...NOTHING, queues: [{ name, arguments: {} }] });
  return name;
}
