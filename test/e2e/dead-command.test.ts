/** `millrace dead` on a real broker: what is replayed is neither lost nor doubled, whatever ends the replay. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { Connection } from 'rabbitmq-client';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { deadQueueName, queueTopology } from '../../src/broker/topology.ts';
import { takeMessages } from '../../src/runtime/take-messages.ts';
import { CliProcess, runCli } from '../support/cli-process.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';
import { storedIds } from '../support/stored-ids.ts';

const TASKS = fileURLToPath(new URL('../fixtures/dead/tasks.ts', import.meta.url));
const LETTERS = 3_000;
/** Another process' progress, which announces nothing: its queues are asked this often. */
const LOOK_MS = 2;
const LONGEST_WAIT_MS = 60_000;

interface Post {
  readonly queue: string;
  readonly env: Record<string, string>;
  readonly broker: AmqpBroker;
  ready(queue: string): Promise<number>;
  /** Resolves when the condition holds of the letters and of what is back in the queue. */
  until(condition: (dead: number, queued: number) => boolean): Promise<void>;
  ids(queue: string): Promise<string[]>;
}

/** A queue of the test's own. */
async function openPost(context: TestContext): Promise<Post> {
  const queue = `dead-${randomUUID()}`;
  const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [amqpUrl as string] });
  await broker.start();
  await broker.declare(queueTopology(queue, 'quorum'));
  context.after(async () => {
    await broker.stop();
    const connection = new Connection(amqpUrl);
    for (const { name } of queueTopology(queue, 'quorum').queues) await connection.queueDelete({ queue: name });
    await connection.close();
  });
  const ready = (name: string): Promise<number> => broker.readyCount(name);
  return {
    queue,
    env: { AMQP_URL: amqpUrl as string },
    broker,
    ready,
    until: async (condition) => {
      const deadline = performance.now() + LONGEST_WAIT_MS;
      for (;;) {
        const [dead, queued] = [await ready(deadQueueName(queue)), await ready(queue)];
        if (condition(dead, queued)) return;
        if (performance.now() > deadline) throw new Error(`${dead} dead letters and ${queued} in the queue`);
        await wait(LOOK_MS);
      }
    },
    ids: async (name) => (await takeMessages(broker, name)).map(({ properties }) => String(properties.messageId)),
  };
}

/** Dead letters as a worker writes them; resolves with their ids. */
async function writeLetters({ broker, queue }: Post): Promise<string[]> {
  const publisher = await broker.publisher({ window: 500 });
  const ids = Array.from({ length: LETTERS }, () => randomUUID());
  const headers = { 'x-error-code': 'E_TASK_FAILED', 'x-queue': queue, 'x-dead-at': new Date().toISOString() };
  const body = Buffer.from('{}');
  await Promise.all(
    ids.map((messageId) => {
      const properties = { messageId, type: 'fragile', deliveryMode: 2 as const, headers };
      return publisher.publish({ exchange: '', routingKey: deadQueueName(queue), properties, body });
    }),
  );
  await publisher.close();
  return ids;
}

test(
  'what failed can be understood, mended, and replayed: each is stored once',
  needs(amqpUrl, mongoUrl),
  async (context) => {
    const post = await openPost(context);
    const { queue } = post;
    const store = new URL(mongoUrl as string);
    if (store.pathname === '/') store.pathname = '/millrace';
    const env = { ...post.env, MONGO_URL: store.href };
    const mongo = new MongoClient(store.href);
    context.after(() => mongo.close());
    const payloads = Array.from({ length: 40 }, (_, n) => JSON.stringify({ collection: queue, n })).join('\n');
    const sent = await runCli(['send', '-t', 'fragile', '-q', queue, '--json'], env, payloads);
    const { ids } = JSON.parse(sent.out) as { ids: string[] };
    const work = async (more: Record<string, string>, done: () => Promise<boolean>): Promise<void> => {
      const worker = new CliProcess(['worker', '--tasks', TASKS, '--queue', queue, '--threads', '1'], {
        ...env,
        ...more,
      });
      context.after(() => worker.signal('SIGKILL'));
      await worker.logged('"msg":"running"');
      const deadline = performance.now() + LONGEST_WAIT_MS;
      while (!(await done())) {
        assert.ok(performance.now() < deadline, 'the worker is not done');
        await wait(LOOK_MS);
      }
      worker.signal('SIGTERM');
      assert.equal((await worker.finish()).code, 0);
    };
    await work({}, async () => (await post.ready(deadQueueName(queue))) === 40);

    const list = await runCli(['dead', 'list', queue, '--code', 'E_TOO_MUCH', '--limit', '3'], env);
    assert.equal(list.code, 0, list.err);
    assert.match(list.out, /^ID +TASK +CODE +ATTEMPTS +DIED +MESSAGE\n/);
    assert.match(list.out, /\n3 of 40 in '.*\.dead'; --limit shows more\n$/);
    const [id] = ids as [string, ...string[]];
    const show = await runCli(['dead', 'show', queue, id], env);
    assert.match(show.out, new RegExp(`^Dead letter ${id}\n {2}task {6}fragile\n`));
    assert.match(show.out, /Error: number 0 is too much\n +at .*tasks\.ts/);
    assert.match(show.out, new RegExp(`millrace dead replay ${queue} ${id}`));
    const json = await runCli(['dead', 'list', `${queue}.dead`, '--json', '--limit', '1000'], env);
    const listed = json.out.trim().split('\n');
    assert.deepEqual(listed.map((line) => (JSON.parse(line) as { id: string }).id).sort(), [...ids].sort());

    assert.equal((await runCli(['dead', 'drop', queue, id], env)).code, 2);
    const dry = await runCli(['dead', 'replay', queue, '--dry-run', '--json'], env);
    assert.equal((JSON.parse(dry.out) as { handled: number }).handled, 40);
    const replay = await runCli(['dead', 'replay', queue, '--task', 'fragile'], env);
    assert.deepEqual([replay.code, replay.err], [0, '']);
    assert.match(replay.out, /^replayed 40 of 40 dead letters of '.*\.dead': 40 to '.*', each confirmed/);
    assert.equal(await post.ready(deadQueueName(queue)), 0);

    const collection = mongo.db().collection(queue);
    await work({ MENDED: '1' }, async () => (await collection.countDocuments()) === 40);
    assert.deepEqual((await storedIds(store.href, queue)).sort(), [...ids].sort());
    assert.deepEqual([await post.ready(queue), await post.ready(deadQueueName(queue))], [0, 0]);
    await collection.drop();
  },
);

test('kill -9 in the middle of a replay loses nothing; the next one finishes it', needs(amqpUrl), async (context) => {
  const post = await openPost(context);
  const ids = await writeLetters(post);
  const replay = new CliProcess(['dead', 'replay', post.queue], post.env);
  await post.until((_, queued) => queued >= 1_500);
  replay.signal('SIGKILL');
  assert.equal((await replay.finish()).code, null);
  // The broker has to notice that the connection is gone; then it takes back what was not removed.
  await post.until((dead, queued) => dead + queued >= LETTERS);
  const left = await post.ready(deadQueueName(post.queue));
  assert.ok(left > 0 && left < LETTERS, `the kill came in the middle: ${left} are left`);

  const second = await runCli(['dead', 'replay', post.queue, '--json'], post.env);
  const { handled, ending } = JSON.parse(second.out) as { handled: number; ending: string };
  assert.deepEqual([second.code, handled, ending], [0, left, 'complete'], second.err);
  assert.equal(await post.ready(deadQueueName(post.queue)), 0);
  const found = await post.ids(post.queue);
  assert.deepEqual(
    ids.filter((id) => !new Set(found).has(id)),
    [],
    'lost',
  );
  const twice = found.length - new Set(found).size;
  context.diagnostic(`${left} were left by the kill, ${twice} were in both places`);
  assert.ok(twice <= 1_500, `${twice} twice: more than the replay holds at once`);
});

test('SIGINT ends a replay with its summary; nothing is lost or doubled', needs(amqpUrl), async (context) => {
  const post = await openPost(context);
  const ids = await writeLetters(post);
  const replay = new CliProcess(['dead', 'replay', post.queue, '--json'], post.env);
  await post.until((_, queued) => queued >= 300);
  replay.signal('SIGINT');
  const { code, out, err } = await replay.finish();
  assert.equal(code, 130, err);
  assert.match(err, /^millrace: interrupted: the rest is still in '.*\.dead'\n$/);
  const summary = JSON.parse(out) as { handled: number; ending: string; doubtful: number };
  assert.deepEqual([summary.ending, summary.doubtful], ['aborted', 0]);
  await post.until((dead, queued) => dead + queued === LETTERS);
  const [queued, dead] = [await post.ids(post.queue), await post.ids(deadQueueName(post.queue))];
  assert.equal(queued.length, summary.handled);
  assert.ok(dead.length > 0, 'the signal came in the middle');
  assert.deepEqual([...queued, ...dead].sort(), [...ids].sort());
});

test('a queue that is not there is one line, and ends with 3', needs(amqpUrl), async () => {
  const { code, out, err } = await runCli(['dead', 'list', 'nobody'], { AMQP_URL: amqpUrl as string });
  assert.deepEqual([code, out], [3, '']);
  assert.match(err, /^millrace: E_BROKER_QUEUE_MISSING: no queue 'nobody\.dead'[^\n]*\n$/);
});
