/** Everything that can be wrong at the start of a worker: exit code 3, one line that says what to do, nothing left running. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Connection } from 'rabbitmq-client';
import { DEAD_LETTER_EXCHANGE } from '../../src/broker/topology.ts';
import { CliProcess, runCli } from '../support/cli-process.ts';
import { amqpUrl, managementUrl, mongoUrl, needs } from '../support/servers.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const TASKS = fixture('cli/tasks.ts');
/** Port 1 is never listened on. */
const NOWHERE = '127.0.0.1:1';

async function refusal(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<string> {
  const { code, out, err } = await runCli(['worker', '--log-level', 'error', ...words], env);
  assert.deepEqual([code, out], [3, ''], err);
  assert.match(err, /^millrace: E_[A-Z_]+: [^\n]+\n$/, 'one line');
  return err;
}

function withPart(url: string, change: (parsed: URL) => void): string {
  const parsed = new URL(url);
  change(parsed);
  return parsed.href;
}

test('a broker URL of another scheme', async () => {
  assert.match(await refusal(['--tasks', TASKS, '--broker', 'http://localhost']), /E_BROKER_URL: .*amqp/);
});

test('a broker that is not there, and its password is not shown', async () => {
  const line = await refusal(['--tasks', TASKS, '--broker', `amqp://joe:s3cret@${NOWHERE}`]);
  assert.match(line, /E_BROKER_UNREACHABLE: .*127\.0\.0\.1:1/);
  assert.ok(!line.includes('s3cret'));
});

test('a password that the broker refuses', needs(amqpUrl), async () => {
  const url = withPart(amqpUrl as string, (parsed) => {
    parsed.password = 'wr0ng-secret';
  });
  const line = await refusal(['--tasks', TASKS, '--broker', url]);
  assert.match(line, /E_BROKER_AUTH: /);
  assert.ok(!line.includes('wr0ng-secret'));
});

test('a virtual host that does not exist', needs(amqpUrl), async () => {
  const url = withPart(amqpUrl as string, (parsed) => {
    parsed.pathname = '/there-is-none';
  });
  assert.match(await refusal(['--tasks', TASKS, '--broker', url]), /E_BROKER_VHOST: .*there-is-none/);
});

test('a store URL of another scheme', needs(amqpUrl), async () => {
  const line = await refusal(['--tasks', TASKS, '--store', 'http://localhost/app'], { AMQP_URL: amqpUrl as string });
  assert.match(line, /E_STORE_URL: .*mongodb/);
});

test('a store that is not there', needs(amqpUrl), async () => {
  const line = await refusal(['--tasks', TASKS, '--store', `mongodb://joe:s3cret@${NOWHERE}/app`], {
    AMQP_URL: amqpUrl as string,
  });
  assert.match(line, /E_STORE_UNREACHABLE: .*127\.0\.0\.1:1/);
  assert.ok(!line.includes('s3cret'));
});

const modules: readonly [name: string, path: string, says: RegExp][] = [
  ['a task module that does not exist', fixture('tasks/there-is-none.ts'), /E_TASK_MODULE_LOAD: .*there-is-none/],
  ['a task module without a task', fixture('tasks/empty.ts'), /E_TASK_MODULE_EMPTY: .*empty/],
  ['a task module that throws', fixture('tasks/broken.ts'), /E_TASK_MODULE_LOAD: .*broken/],
  ['a task module with one name twice', fixture('tasks/twice.ts'), /E_TASK_DUPLICATE: /],
];

for (const [name, path, says] of modules) {
  test(name, needs(amqpUrl), async () => {
    assert.match(await refusal(['--tasks', path], { AMQP_URL: amqpUrl as string }), says);
  });
}

test('a queue that does not exist, when nothing may be declared', needs(amqpUrl), async () => {
  const queue = `none-${randomUUID()}`;
  const line = await refusal(['--tasks', TASKS, '--queue', queue, '--no-declare'], { AMQP_URL: amqpUrl as string });
  assert.match(line, new RegExp(`E_BROKER_QUEUE_MISSING: .*${queue}`));
});

test('a queue that exists with other arguments is consumed as it is', needs(amqpUrl), async () => {
  const queue = `classic-${randomUUID()}`;
  const connection = new Connection(amqpUrl);
  await connection.queueDeclare({ queue, durable: true, arguments: { 'x-queue-type': 'classic', 'x-max-length': 10 } });
  const worker = new CliProcess(['worker', '--tasks', TASKS, '--queue', queue], { AMQP_URL: amqpUrl as string });
  await worker.logged('"msg":"running"');
  worker.signal('SIGTERM');
  const { code, err } = await worker.finish();
  assert.equal(code, 0, err);
  for (const name of [queue, `${queue}.dead`]) await connection.queueDelete({ queue: name });
  await connection.close();
});

test(
  'the queues of the environment, and the store: all that is right starts and stops with 0',
  needs(amqpUrl, mongoUrl),
  async () => {
    const queue = `right-${randomUUID()}`;
    const env = {
      AMQP_URL: amqpUrl as string,
      MONGO_URL: mongoUrl as string,
      MILLRACE_QUEUES: queue,
      MILLRACE_TASKS: TASKS,
    };
    const worker = new CliProcess(['worker'], env);
    await worker.logged('"msg":"running"');
    worker.signal('SIGINT');
    const { code, out, err } = await worker.finish();
    assert.deepEqual([code, out], [0, ''], err);
    assert.ok(!err.includes(amqpUrl as string), 'no password in the log');
    const connection = new Connection(amqpUrl);
    for (const name of [queue, `${queue}.dead`]) await connection.queueDelete({ queue: name });
    await connection.close();
  },
);

test('an exchange of another type where the dead letters should go', needs(amqpUrl, managementUrl), async () => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const connection = new Connection(host.url);
  await connection.exchangeDeclare({ exchange: DEAD_LETTER_EXCHANGE, type: 'fanout', durable: true });
  await connection.close();
  const line = await refusal(['--tasks', TASKS, '--broker', host.url]);
  assert.match(line, new RegExp(`E_BROKER_TOPOLOGY: .*${DEAD_LETTER_EXCHANGE}`));
});

test(
  'threads that die by themselves, over and over, end an idle worker with 1 and the reason',
  needs(amqpUrl),
  async () => {
    const queue = `dying-${randomUUID()}`;
    const words = ['worker', '--tasks', fixture('tasks/dies-after-load.ts'), '--queue', queue, '--log-level', 'error'];
    const { code, err } = await runCli(words, { AMQP_URL: amqpUrl as string });
    assert.equal(code, 1, err);
    assert.match(
      err.trimEnd().split('\n').at(-1) ?? '',
      /^millrace: E_THREADS_EXHAUSTED: .*thrown by the module itself/,
    );
    const connection = new Connection(amqpUrl);
    for (const name of [queue, `${queue}.dead`]) await connection.queueDelete({ queue: name });
    await connection.close();
  },
);
