/** `millrace send` and `millrace worker` together, from outside. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { Connection } from 'rabbitmq-client';
import { CliProcess, runCli } from '../support/cli-process.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';
import { storedIds } from '../support/stored-ids.ts';

const TASKS = fileURLToPath(new URL('../fixtures/cli/tasks.ts', import.meta.url));

async function removeQueues(queue: string): Promise<void> {
  const connection = new Connection(amqpUrl);
  for (const name of [queue, `${queue}.dead`]) await connection.queueDelete({ queue: name });
  await connection.close();
}

test(
  'what is sent is run and stored: one payload, and a line of JSON a message',
  needs(amqpUrl, mongoUrl),
  async () => {
    const env = { AMQP_URL: amqpUrl as string, MONGO_URL: mongoUrl as string };
    const queue = `cli-${randomUUID()}`;
    const payload = (n: number): string => JSON.stringify({ collection: queue, ms: 0, n });

    const one = await runCli(['send', '--task', 'store', '--queue', queue, '--payload', payload(0)], env);
    assert.deepEqual([one.code, one.out], [0, `sent 1 message to '${queue}', all confirmed\n`], one.err);

    const lines = Array.from({ length: 2_500 }, (_, n) => payload(n + 1)).join('\n\n');
    const many = await runCli(['send', '--task', 'store', '--queue', queue, '--json'], env, lines);
    const { sent, ids } = JSON.parse(many.out) as { sent: number; ids: string[] };
    assert.deepEqual([many.code, sent, new Set(ids).size], [0, 2_500, 2_500], many.err);

    const worker = new CliProcess(['worker', '--tasks', TASKS, '--queue', queue], env);
    await worker.logged('"msg":"running"');
    const mongo = new MongoClient(mongoUrl as string);
    const collection = mongo.db().collection(queue);
    // Another process' progress, which announces nothing: the database has to be asked.
    while ((await collection.countDocuments()) < 2_501) await new Promise((resolve) => setImmediate(resolve));
    worker.signal('SIGTERM');
    assert.equal((await worker.finish()).code, 0);
    const stored = new Set(await storedIds(mongoUrl as string, queue));
    assert.deepEqual(
      ids.filter((id) => !stored.has(id)),
      [],
    );
    await collection.drop();
    await mongo.close();
    await removeQueues(queue);
  },
);

test('a line that is no JSON names its number, and how many were confirmed before', needs(amqpUrl), async () => {
  const queue = `cli-${randomUUID()}`;
  const lines = [...Array.from({ length: 1_000 }, () => '1'), '', '{'].join('\n');
  const { code, err } = await runCli(['send', '-t', 'store', '-q', queue], { AMQP_URL: amqpUrl as string }, lines);
  assert.equal(code, 2);
  assert.match(
    err,
    /^millrace: 1000 messages were confirmed before the error\nmillrace: line 1002 of standard input is no JSON: .*\n$/,
  );
  await removeQueues(queue);
});

test('sending to a broker that is not there ends with 3 and one line', async () => {
  const { code, err } = await runCli(['send', '-t', 't', '-q', 'q', '-p', '1', '--broker', 'amqp://127.0.0.1:1']);
  assert.equal(code, 3);
  assert.match(err, /^millrace: E_BROKER_UNREACHABLE: [^\n]+\n$/);
});

test('help and version come from the process itself', async () => {
  assert.match((await runCli(['--help'])).out, /Usage: millrace <command>/);
  assert.match((await runCli(['--version'])).out, /^\d+\.\d+\.\d+\n$/);
  const { code, err } = await runCli(['worker', '--thread', '2']);
  assert.deepEqual([code, err], [2, 'millrace: there is no flag --thread; did you mean --threads?; see --help\n']);
});
