import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type Db, MongoClient } from 'mongodb';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { MongoStore } from '../../src/store/mongo/mongo-store.ts';
import type { OnceProblem, OnceTask, StoreWriter } from '../../src/store/store.ts';
import { openWriterOf } from '../contract/exercise-store.ts';
import { dropAndClose } from '../support/drop-database.ts';
import { type MongoCommand, MongoCommandProxy } from '../support/mongo-command-proxy.ts';
import { insert, once, update } from '../support/once-tasks.ts';
import { mongoUrl, needs } from '../support/servers.ts';

const MARKS = 'millrace.applied';

interface Bench {
  readonly proxy: MongoCommandProxy;
  readonly db: Db;
  readonly writer: StoreWriter;
}

async function startBench(context: TestContext, effectMemoryMs = 3_600_000): Promise<Bench> {
  const name = `millrace_test_${randomUUID().slice(0, 8)}`;
  const proxy = await MongoCommandProxy.start(mongoUrl as string);
  const client = await MongoClient.connect(mongoUrl as string);
  const db = client.db(name);
  const store = new MongoStore({ url: proxy.url(name), writeTimeoutMs: 3_000, effectMemoryMs });
  const writer = await openWriterOf(store);
  context.after(async () => {
    await writer.close();
    await proxy.stop();
    await dropAndClose(db);
  });
  return { proxy, db, writer };
}

const tasks = Array.from({ length: 20 }, (_, nth) =>
  once(`t${nth}`, update('c', { _id: nth % 2 }, { $inc: { n: 1 } }, true), insert('d', { _id: `t${nth}` }, true)),
);

async function assertAppliedOnce(db: Db): Promise<void> {
  const counters = await db.collection('c').find().sort({ _id: 1 }).toArray();
  assert.deepEqual(
    counters.map(({ n }) => n as unknown),
    [10, 10],
  );
  assert.equal(await db.collection('d').countDocuments(), tasks.length);
  assert.equal(await db.collection(MARKS).countDocuments(), tasks.length);
}

/** As the runtime does. Returns how often it was unknown. */
async function applyUntilKnown(writer: StoreWriter, wanted: readonly OnceTask[]): Promise<number> {
  for (let unknown = 0; ; unknown++) {
    try {
      const problems = await writer.applyOnce(wanted);
      if (problems.length === 0) return unknown;
      assert.ok(
        problems.every(({ kind }) => kind === 'unknown' || kind === 'contended'),
        JSON.stringify(problems),
      );
    } catch (error) {
      assert.ok(isRuntimeError(error, 'E_STORE_UNKNOWN'), String(error));
    }
    assert.ok(unknown < 10, 'it never recovers');
  }
}

/** The first `times` commands of the name. */
function first(times: number, name: string): (command: MongoCommand) => boolean {
  let left = times;
  return (command) => command.name === name && left-- > 0;
}

function kinds(problems: readonly OnceProblem[]): [number, string][] {
  return problems.map(({ index, kind }): [number, string] => [index, kind]);
}

for (const lost of [1, 2, 3, 12]) {
  test(`a commit whose answer is lost ${lost} times has happened once`, needs(mongoUrl), async (context) => {
    const { proxy, db, writer } = await startBench(context);
    const pick = first(lost, 'commitTransaction');
    let losses = 0;
    proxy.meddle = (command) => {
      if (!pick(command)) return undefined;
      losses++;
      return 'lose';
    };
    const unknown = await applyUntilKnown(writer, tasks);
    assert.ok(losses > 0, 'nothing was lost');
    if (lost === 12) assert.ok(unknown > 0, 'it must give up some time');
    await assertAppliedOnce(db);
    assert.equal(await applyUntilKnown(writer, tasks), 0);
    await assertAppliedOnce(db);
  });
}

for (const name of ['insert', 'update', 'find', 'createIndexes']) {
  test(
    `a connection that breaks instead of answering \`${name}\` does nothing twice`,
    needs(mongoUrl),
    async (context) => {
      const { proxy, db, writer } = await startBench(context);
      const pick = first(1, name);
      if (name === 'find') await writer.applyOnce(tasks.slice(0, 10)); // only a second try looks for marks
      let losses = 0;
      proxy.meddle = (command) => {
        if (!pick(command)) return undefined;
        losses++;
        return 'lose';
      };
      await applyUntilKnown(writer, tasks);
      assert.equal(losses, 1);
      await assertAppliedOnce(db);
    },
  );
}

test(
  'a commit that reached no majority leaves the tasks unknown, and is not done again',
  needs(mongoUrl),
  async (context) => {
    const { proxy, db, writer } = await startBench(context);
    const writeConcernError = { code: 64, codeName: 'WriteConcernFailed', errmsg: 'waiting for replication timed out' };
    proxy.meddle = ({ name }) => (name === 'commitTransaction' ? { instead: { ok: 1, writeConcernError } } : undefined);
    await assert.rejects(
      writer.applyOnce(tasks),
      (error) => isRuntimeError(error, 'E_STORE_UNKNOWN') && /waiting for replication/.test(error.message),
    );
    proxy.meddle = () => undefined;
    assert.deepEqual(await writer.applyOnce(tasks), []);
    await assertAppliedOnce(db);
  },
);

test('a transaction that the server gave up is done again', needs(mongoUrl), async (context) => {
  const { proxy, db, writer } = await startBench(context);
  const pick = first(2, 'update');
  const gone = {
    ok: 0,
    code: 251,
    codeName: 'NoSuchTransaction',
    errmsg: 'gone',
    errorLabels: ['TransientTransactionError'],
  };
  proxy.meddle = (command) => (pick(command) ? { reply: gone } : undefined);
  assert.deepEqual(await writer.applyOnce(tasks), []);
  await assertAppliedOnce(db);
});

test('a server without transactions says so for every task, and is asked once', needs(mongoUrl), async (context) => {
  const { proxy, db, writer } = await startBench(context);
  // What a mongod that belongs to no replica set answers.
  const errmsg = 'Transaction numbers are only allowed on a replica set member or mongos';
  proxy.meddle = ({ body }) =>
    body['txnNumber'] === undefined ? undefined : { reply: { ok: 0, code: 20, codeName: 'IllegalOperation', errmsg } };
  const problems = await writer.applyOnce(tasks);
  assert.deepEqual(
    kinds(problems),
    tasks.map((_, index) => [index, 'unsupported']),
  );
  assert.match(problems[0]?.message ?? '', /only allowed on a replica set member.*run it as a replica set/);
  assert.equal(proxy.seen.filter((name) => name === 'insert').length, 1);
  assert.deepEqual(await db.collection('d').countDocuments(), 0);
});

test('a collection without transactions fails its task alone', needs(mongoUrl), async (context) => {
  const { proxy, db, writer } = await startBench(context);
  const errmsg = 'Cannot insert into a time-series collection in a multi-document transaction';
  proxy.meddle = ({ name, body }) =>
    name === 'insert' && body['insert'] === 'series' ? { reply: { ok: 0, code: 263, errmsg } } : undefined;
  const problems = await writer.applyOnce([...tasks, once('s', insert('series', { _id: 1 }))]);
  assert.deepEqual(kinds(problems), [[tasks.length, 'unsupported']]);
  assert.equal(await db.collection('d').countDocuments(), tasks.length);
});

test('marks that may not be written are nobody’s fault but the store’s', needs(mongoUrl), async (context) => {
  const { proxy, db, writer } = await startBench(context);
  for (const code of [13, 121, 10334]) {
    proxy.meddle = ({ name, body }) =>
      name === 'insert' && body['insert'] === MARKS ? { reply: { ok: 0, code, errmsg: 'not allowed' } } : undefined;
    await assert.rejects(writer.applyOnce(tasks), (error) => isRuntimeError(error, 'E_STORE_UNKNOWN'));
  }
  assert.equal(await db.collection('d').countDocuments(), 0);
});

test('a server that does not let marks expire applies tasks all the same', needs(mongoUrl), async (context) => {
  const { proxy, db, writer } = await startBench(context);
  proxy.meddle = ({ name }) =>
    name === 'createIndexes' ? { reply: { ok: 0, code: 13, errmsg: 'not authorized' } } : undefined;
  assert.deepEqual(await writer.applyOnce(tasks), []);
  await assertAppliedOnce(db);
});

test('marks expire after the effect memory, also when that has changed', needs(mongoUrl), async (context) => {
  const { proxy, db, writer } = await startBench(context, 3_600_000);
  const expiry = async (): Promise<unknown> =>
    (await db.collection(MARKS).indexes()).find(({ key }) => key['at'] === 1)?.expireAfterSeconds;
  await writer.applyOnce(tasks);
  await writer.applyOnce(tasks);
  assert.equal(await expiry(), 3_600);
  assert.equal(proxy.seen.filter((name) => name === 'createIndexes').length, 1);
  const other = await openWriterOf(new MongoStore({ url: proxy.url(db.databaseName), effectMemoryMs: 7_200_500 }));
  await other.applyOnce(tasks);
  await other.close();
  assert.equal(await expiry(), 7_201);
});

test(
  'a batch of bad tasks that takes longer than there is time comes to an end over several calls',
  needs(mongoUrl),
  async (context) => {
    const { proxy, db } = await startBench(context);
    const writer = await openWriterOf(new MongoStore({ url: proxy.url(db.databaseName), writeTimeoutMs: 300 }));
    const bad = Array.from({ length: 200 }, (_, nth) => once(`bad${nth}`, update('c', { _id: nth }, { $nope: 1 })));
    let left: OnceTask[] = [...tasks, ...bad];
    let calls = 0;
    const refused: string[] = [];
    for (; left.length > 0; calls++) {
      assert.ok(calls < 100, 'it never ends');
      const problems = await writer.applyOnce(left).catch((error: unknown): OnceProblem[] => {
        assert.ok(isRuntimeError(error, 'E_STORE_UNKNOWN'), String(error));
        return left.map((_, index) => ({ index, kind: 'unknown', message: '' }));
      });
      for (const { index, kind } of problems) if (kind === 'refused') refused.push((left[index] as OnceTask).id);
      left = problems.flatMap(({ index, kind }) => (kind === 'unknown' ? [left[index] as OnceTask] : []));
    }
    await writer.close();
    assert.ok(calls > 1, 'there was time enough for all');
    assert.deepEqual(refused.toSorted(), bad.map(({ id }) => id).toSorted());
    await assertAppliedOnce(db);
  },
);

test(
  'hundreds of tasks go in transactions of two hundred, large ones in smaller ones',
  needs(mongoUrl),
  async (context) => {
    const { proxy, db, writer } = await startBench(context);
    const many = Array.from({ length: 450 }, (_, nth) => once(`m${nth}`, insert('c', { _id: nth })));
    assert.deepEqual(await writer.applyOnce(many), []);
    assert.equal(proxy.seen.filter((name) => name === 'commitTransaction').length, 3);
    const text = 'x'.repeat(3 * 1024 * 1024);
    const large = Array.from({ length: 5 }, (_, nth) => once(`l${nth}`, insert('c', { _id: `l${nth}`, text })));
    assert.deepEqual(await writer.applyOnce(large), []);
    assert.equal(proxy.seen.filter((name) => name === 'commitTransaction').length, 3 + 3);
    assert.equal(await db.collection('c').countDocuments(), 455);
  },
);

test(
  'tasks that insert and update cost one request for each, however many they are',
  needs(mongoUrl),
  async (context) => {
    const { proxy, writer } = await startBench(context);
    await writer.applyOnce([once('warm', insert('c', { _id: 'warm' }))]);
    proxy.seen.length = 0;
    const both = Array.from({ length: 50 }, (_, nth) =>
      once(`b${nth}`, insert('c', { _id: nth }), update('c', { _id: nth }, { $set: { n: nth } })),
    );
    await writer.applyOnce(both);
    const mine = proxy.seen.filter((name) => ['insert', 'update', 'find', 'commitTransaction'].includes(name));
    assert.deepEqual(mine, ['insert', 'insert', 'update', 'commitTransaction']); // marks, documents, updates
  },
);

test('preferences of the URL for reading and writing do not reach transactions', needs(mongoUrl), async (context) => {
  const { proxy, db } = await startBench(context);
  const url = `${proxy.url(db.databaseName)}&readPreference=secondaryPreferred&w=0&readConcernLevel=local&retryWrites=false`;
  const writer = await openWriterOf(new MongoStore({ url }));
  let concern: unknown;
  proxy.meddle = ({ name, body }) => {
    if (name === 'commitTransaction') concern = body['writeConcern'];
    return undefined;
  };
  assert.deepEqual(await writer.applyOnce(tasks), []);
  assert.deepEqual(await writer.applyOnce(tasks), []);
  await writer.close();
  const { w, j } = concern as { w: unknown; j: unknown };
  assert.deepEqual([w, j], ['majority', true]);
  await assertAppliedOnce(db);
});
