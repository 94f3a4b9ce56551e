import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { MongoStore } from '../../src/store/mongo/mongo-store.ts';
import type { StoreDocument, StoreWriter } from '../../src/store/store.ts';
import { openWriterOf } from '../contract/exercise-store.ts';
import { createMongoDatabase, type MongoDatabase } from '../support/mongo-database.ts';
import { mongoUrl, needs } from '../support/servers.ts';

const WRITE_TIMEOUT_MS = 1_000;

interface Bench extends MongoDatabase {
  readonly store: MongoStore;
  readonly writer: StoreWriter;
}

/** A started store and a writer that has its connection already. */
async function startBench(context: TestContext, query = ''): Promise<Bench> {
  const database = await createMongoDatabase();
  const store = new MongoStore({
    url: `${database.url}${query}`,
    writeTimeoutMs: WRITE_TIMEOUT_MS,
    pingTimeoutMs: 500,
  });
  context.after(async () => {
    await store.stop();
    await database.remove();
  });
  await store.start();
  const writer = await openWriterOf(store);
  context.after(() => writer.close());
  await writer.insertMany('warm', [{ _id: 0 }]);
  return { ...database, store, writer };
}

function documents(count: number): StoreDocument[] {
  return Array.from({ length: count }, (_, index) => ({ _id: `id-${index}`, text: 'x'.repeat(1_000) }));
}

/** Writes until it is known that everything is stored, as the runtime does. */
async function insertUntilKnown(writer: StoreWriter, array: readonly StoreDocument[]): Promise<number> {
  for (let unknown = 0; ; unknown++) {
    try {
      const problems = await writer.insertMany('c', array);
      assert.ok(problems.every(({ kind }) => kind === 'duplicate-id'));
      return unknown;
    } catch (error) {
      assert.ok(isRuntimeError(error, 'E_STORE_UNKNOWN'), String(error));
      assert.ok(unknown < 10, 'it never recovers');
    }
  }
}

for (const direction of ['to-server', 'to-client'] as const) {
  for (const bytes of [1, 100, 50_000]) {
    if (direction === 'to-client' && bytes > 100) continue; // an answer is shorter than that
    test(
      `a connection reset ${bytes} bytes ${direction} loses and doubles nothing`,
      needs(mongoUrl),
      async (context) => {
        const { proxy, db, writer } = await startBench(context);
        const array = documents(200);
        proxy.cutAfter(direction, bytes);
        const accepted = proxy.accepted;
        await insertUntilKnown(writer, array);
        assert.ok(proxy.accepted > accepted, 'nothing was cut');
        assert.equal(await db.collection('c').countDocuments(), array.length);
      },
    );
  }
}

test(
  'a server whose every connection is reset leaves the write unknown, with the reason',
  needs(mongoUrl),
  async (context) => {
    const { proxy, writer } = await startBench(context);
    await proxy.goDown();
    await assert.rejects(
      writer.insertMany('c', documents(1)),
      (error) => isRuntimeError(error, 'E_STORE_UNKNOWN') && /ECONNREFUSED|ECONNRESET|closed/.test(error.message),
    );
    await proxy.resume();
    assert.equal(await insertUntilKnown(writer, documents(1)), 0);
  },
);

test(
  'a black-holed connection leaves the write unknown within its timeout, and the writer recovers',
  needs(mongoUrl),
  async (context) => {
    const { proxy, db, writer } = await startBench(context);
    proxy.blackHole();
    const started = performance.now();
    await assert.rejects(writer.insertMany('c', documents(10)), (error) => isRuntimeError(error, 'E_STORE_UNKNOWN'));
    const tookMs = performance.now() - started;
    assert.ok(tookMs < WRITE_TIMEOUT_MS + 500, `it took ${tookMs} ms`);
    await proxy.resume();
    await insertUntilKnown(writer, documents(10));
    assert.equal(await db.collection('c').countDocuments(), 10);
  },
);

test('a ping into a black hole fails within its timeout, and health says so', needs(mongoUrl), async (context) => {
  const { proxy, store } = await startBench(context);
  proxy.blackHole();
  const started = performance.now();
  await assert.rejects(store.ping(), (error) => isRuntimeError(error, 'E_STORE_UNREACHABLE'));
  assert.ok(performance.now() - started < 1_500);
  assert.equal(store.health().state, 'away');
  await proxy.resume();
  await store.ping();
  assert.equal(store.health().state, 'connected');
});

test('a connection that is sliced and slow carries everything', needs(mongoUrl), async (context) => {
  const { proxy, db, writer } = await startBench(context);
  proxy.slice(7);
  assert.deepEqual(await writer.insertMany('c', documents(20)), []);
  proxy.slice(Infinity);
  proxy.throttle(200_000);
  assert.deepEqual(
    (await writer.insertMany('c', documents(30))).map(({ kind }) => kind),
    Array<string>(20).fill('duplicate-id'),
  );
  assert.equal(await db.collection('c').countDocuments(), 30);
});

test('a write concern in the URL does not weaken the guarantee', needs(mongoUrl), async (context) => {
  const { writer } = await startBench(context, '&w=0&journal=false');
  assert.deepEqual(
    (await writer.insertMany('c', [{ _id: 'a' }, { _id: 'a' }])).map(({ kind }) => kind),
    ['duplicate-id'],
  );
});

test('a writer can be opened while the store is away, and writes when it is back', needs(mongoUrl), async (context) => {
  const { proxy, store } = await startBench(context);
  await proxy.goDown();
  const late = await openWriterOf(store);
  context.after(() => late.close());
  await assert.rejects(late.insertMany('c', documents(1)), (error) => isRuntimeError(error, 'E_STORE_UNKNOWN'));
  await proxy.resume();
  assert.equal(await insertUntilKnown(late, documents(1)), 0);
});

test('a rule of the collection refuses its document and no other', needs(mongoUrl), async (context) => {
  const { db, writer } = await startBench(context);
  await db.createCollection('c', { validator: { n: { $type: 'number' } } });
  const problems = await writer.insertMany('c', [
    { _id: 1, n: 'one' },
    { _id: 2, n: 2 },
  ]);
  assert.deepEqual(
    problems.map(({ index, kind }) => [index, kind]),
    [[0, 'refused']],
  );
});

test('a document that can be encoded only sometimes is refused alone', needs(mongoUrl), async (context) => {
  const { db, writer } = await startBench(context);
  let read = 0;
  const fickle = {
    _id: 'fickle',
    get field(): number {
      if (read++ % 2 === 0) throw new Error('not this time');
      return 1;
    },
  };
  const problems = await writer.insertMany('c', [{ _id: 1 }, fickle, { _id: 2 }]);
  assert.deepEqual(
    problems.map(({ index, kind }) => [index, kind]),
    [[1, 'refused']],
  );
  assert.equal(await db.collection('c').countDocuments(), 2);
});
