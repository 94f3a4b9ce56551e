import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Db, MongoClient } from 'mongodb';
import { MongoServer } from '../../scripts/services/mongo-server.ts';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { MongoStore } from '../../src/store/mongo/mongo-store.ts';
import type { OnceTask, StoreWriter } from '../../src/store/store.ts';
import { openWriterOf } from '../contract/exercise-store.ts';
import { createMongoDatabase } from '../support/mongo-database.ts';
import { insert, once, update } from '../support/once-tasks.ts';
import { mongoUrl, needs, needsOwn } from '../support/servers.ts';
import { until } from '../support/until.ts';

const WRITE_TIMEOUT_MS = 1_500;

/** Each adds 1 to one of ten counters and inserts a document, so that a half or a second time shows. */
function makeTasks(count: number, prefix = 't'): OnceTask[] {
  return Array.from({ length: count }, (_, nth) =>
    once(
      `${prefix}${nth}`,
      update('counters', { _id: nth % 10 }, { $inc: { n: 1 } }, true),
      insert('documents', { _id: `${prefix}${nth}` }),
    ),
  );
}

/** As the runtime does: the whole batch again, until it is known. */
async function applyUntilKnown(
  writer: StoreWriter,
  tasks: readonly OnceTask[],
  whenUnknown: () => void = () => undefined,
): Promise<void> {
  for (let unknown = 0; ; unknown++) {
    try {
      const problems = await writer.applyOnce(tasks);
      if (problems.length === 0) return;
      assert.deepEqual(
        problems.filter(({ kind }) => kind !== 'unknown' && kind !== 'contended'),
        [],
      );
    } catch (error) {
      assert.ok(isRuntimeError(error, 'E_STORE_UNKNOWN'), String(error));
    }
    assert.ok(unknown < 100, 'it never recovers');
    whenUnknown();
  }
}

async function assertExact(db: Db, tasks: readonly OnceTask[]): Promise<void> {
  const counters = await db.collection('counters').find().toArray();
  const ids = (await db.collection('documents').find().toArray()).map(({ _id }) => String(_id));
  assert.equal(
    counters.reduce((sum, { n }) => sum + (n as number), 0),
    tasks.length,
  );
  assert.deepEqual(new Set(ids), new Set(tasks.map(({ id }) => id)));
}

for (const direction of ['to-server', 'to-client'] as const) {
  // Marks and updates of a hundred tasks are some 20,000 bytes, their answers a few hundred.
  for (const bytes of direction === 'to-server' ? [1, 2_000, 8_000, 12_000, 16_000] : [1, 100, 300, 500, 700, 900]) {
    test(`a connection reset ${bytes} bytes ${direction} applies every task once`, needs(mongoUrl), async (context) => {
      const { url, db, proxy, remove } = await createMongoDatabase();
      const writer = await openWriterOf(new MongoStore({ url, writeTimeoutMs: WRITE_TIMEOUT_MS }));
      context.after(async () => {
        await writer.close();
        await remove();
      });
      await applyUntilKnown(writer, [once('warm')]);
      const tasks = makeTasks(100);
      const accepted = proxy.accepted;
      proxy.cutAfter(direction, bytes);
      await applyUntilKnown(writer, tasks);
      await applyUntilKnown(writer, tasks);
      assert.ok(proxy.accepted > accepted, 'nothing was cut');
      await assertExact(db, tasks);
    });
  }
}

interface Bench {
  readonly server: MongoServer;
  readonly url: string;
  /** A writer each for what two threads do. */
  readonly writers: readonly [StoreWriter, StoreWriter];
}

async function startBench(context: TestContext): Promise<Bench> {
  const server = await MongoServer.start();
  const url = server.url.replace('/?', '/once?');
  const store = new MongoStore({ url, writeTimeoutMs: WRITE_TIMEOUT_MS });
  const writers = [await openWriterOf(store), await openWriterOf(store)] as const;
  context.after(async () => {
    for (const writer of writers) await writer.close();
    await server.remove();
  });
  return { server, url, writers };
}

/**
 * Both writers apply the same batches over and over, as after redeliveries, while `harm` is done to the server three times.
 * Ends when each batch was known to be applied after the last harm. `harm` is told how to wait until both gave up.
 */
async function applyUnder(
  bench: Bench,
  harm: (bothGaveUp: () => Promise<void>) => Promise<void>,
): Promise<{ tasks: OnceTask[]; unknown: number }> {
  const batches = Array.from({ length: 30 }, (_, nth) => makeTasks(50, `b${nth}-`));
  const over = new AbortController();
  const unknown = [0, 0];
  const work = async (nth: 0 | 1, mine: readonly OnceTask[][]): Promise<void> => {
    for (let last = false; !last; ) {
      last = over.signal.aborted;
      for (const batch of mine) {
        await applyUntilKnown(bench.writers[nth], batch, () => {
          unknown[nth] = (unknown[nth] ?? 0) + 1;
        });
      }
    }
  };
  const working = [work(0, batches), work(1, batches.toReversed())];
  for (let times = 0; times < 3; times++) {
    const before = [...unknown];
    await harm(() => until('both gave up', () => unknown.every((count, nth) => count > (before[nth] ?? 0))));
  }
  over.abort();
  await Promise.all(working);
  return { tasks: batches.flat(), unknown: unknown.reduce((sum, count) => sum + count) };
}

async function withDatabase(url: string, look: (db: Db) => Promise<void>): Promise<void> {
  const client = await MongoClient.connect(url);
  try {
    await look(client.db());
  } finally {
    await client.close();
  }
}

test(
  'a server that is killed in the middle of transactions applies every task once',
  needsOwn('mongodb'),
  async (context) => {
    const bench = await startBench(context);
    const { tasks, unknown } = await applyUnder(bench, async () => {
      await bench.server.kill();
      await bench.server.start();
    });
    assert.ok(unknown > 0, 'no kill was noticed');
    await withDatabase(bench.url, (db) => assertExact(db, tasks));
  },
);

test(
  'a server that stops answering in the middle of transactions applies every task once',
  needsOwn('mongodb'),
  async (context) => {
    const bench = await startBench(context);
    const { tasks, unknown } = await applyUnder(bench, async (bothGaveUp) => {
      bench.server.freeze();
      await bothGaveUp();
      bench.server.thaw();
    });
    assert.ok(unknown > 0, 'no freeze was noticed');
    await withDatabase(bench.url, (db) => assertExact(db, tasks));
  },
);
