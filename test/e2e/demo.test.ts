/** The README's first command, smaller. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { runCli } from '../support/cli-process.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';

interface Report {
  readonly messages: number;
  readonly stored: number;
  readonly deadLettered: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly verified: boolean;
}

test('the demo runs with nothing installed, ends with 0 and a table', async () => {
  const { code, out, err } = await runCli(['demo', '--messages', '5000']);
  assert.deepEqual([code, err], [0, ''], out);
  assert.match(out, /embedded in this process/);
  for (const row of [
    'rate',
    'latency',
    'CPU',
    'batches',
    'handler calls',
    'lost +0',
    'duplicates +0',
    'verified +yes',
  ]) {
    assert.match(out, new RegExp(`^ {2}${row}`, 'm'));
  }
});

test('the demo as JSON is one object, and nothing else is on standard output', async () => {
  const { code, out } = await runCli(['demo', '--messages', '3000', '--threads', '2', '--json']);
  const report = JSON.parse(out) as Report;
  assert.equal(code, 0);
  const { messages, stored, deadLettered, lost, duplicates, verified } = report;
  assert.deepEqual(
    { messages, stored, deadLettered, lost, duplicates, verified },
    {
      messages: 3000,
      stored: 2999,
      deadLettered: 1,
      lost: 0,
      duplicates: 0,
      verified: true,
    },
  );
});

test('the demo on real servers leaves nothing behind', needs(amqpUrl, mongoUrl), async () => {
  const [broker, store] = [amqpUrl as string, mongoUrl as string];
  const { code, out, err } = await runCli(['demo', '--messages', '3000', '--json'], {
    AMQP_URL: broker,
    MONGO_URL: store,
  });
  assert.deepEqual([code, err], [0, ''], out);
  assert.equal((JSON.parse(out) as Report).verified, true);
  const mongo = new MongoClient(store);
  const collections = await mongo
    .db()
    .listCollections({ name: /^millrace-demo-/ }, { nameOnly: true })
    .toArray();
  await mongo.close();
  assert.deepEqual(collections, []);
});

test('a number of messages out of range is wrong usage', async () => {
  const { code, err } = await runCli(['demo', '--messages', '0']);
  assert.deepEqual(
    [code, err],
    [2, "millrace: --messages is '0'; expected a whole number from 1 to 10000000; see --help\n"],
  );
});
