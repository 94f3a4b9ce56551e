/** What a thread or process leaves behind that dies in the middle of its transaction: the server holds its documents. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { ClientSession, Collection } from 'mongodb';
import { openWriter } from '../../src/store/mongo/mongo-writer.ts';
import type { OnceTask, StoreWriter } from '../../src/store/store.ts';
import { createMongoDatabase } from '../support/mongo-database.ts';
import { mongoUrl, needs } from '../support/servers.ts';

interface Counter {
  readonly _id: string;
  readonly n: number;
}

/** Tasks with ids of their own that count one document each. */
function incrementsOf(collection: string, ids: readonly string[], run: string): OnceTask[] {
  return ids.map((_id, n) => {
    const operation = {
      kind: 'update',
      collection,
      filter: { _id },
      update: { $inc: { n: 1 } },
      upsert: true,
    } as const;
    return { id: `${collection}-${run}-${n}`, operations: [operation] };
  });
}

/** A writer, and a document `held` that the transaction of somebody who is dead has changed. */
async function holdDocument(
  t: TestContext,
  timeoutMs: number,
): Promise<{ writer: StoreWriter; counters: Collection<Counter>; dead: ClientSession }> {
  const { url, db, remove } = await createMongoDatabase();
  const counters = db.collection<Counter>('counters');
  await counters.insertOne({ _id: 'held', n: 0 });
  const writer = await openWriter({ url, timeoutMs, connections: 2, effectMemoryMs: 3_600_000 });
  const dead = db.client.startSession();
  t.after(async () => {
    await dead.endSession();
    await writer.close();
    await remove();
  });
  dead.startTransaction();
  await counters.updateOne({ _id: 'held' }, { $inc: { n: 1_000 } }, { session: dead });
  return { writer, counters, dead };
}

/** Asks until all are applied: what is remembered of held documents is forgotten by time alone. */
async function applyAll(writer: StoreWriter, tasks: readonly OnceTask[]): Promise<void> {
  for (;;) {
    const problems = await writer.applyOnce(tasks);
    if (problems.length === 0) return;
    assert.deepEqual([...new Set(problems.map(({ kind }) => kind))], ['contended']);
    await wait(50);
  }
}

test(
  'tasks whose document a dead transaction holds are given back, the others are applied, and later each is applied once',
  needs(mongoUrl),
  async (t) => {
    const { writer, counters, dead } = await holdDocument(t, 20_000);
    await counters.insertOne({ _id: 'free', n: 0 });
    const ids = Array.from({ length: 40 }, (_, n) => (n % 20 === 0 ? 'held' : 'free'));
    const tasks = incrementsOf(counters.collectionName, ids, 'a');
    const problems = await writer.applyOnce(tasks);
    assert.ok(problems.length >= 2, 'those of the held document at least');
    assert.deepEqual([...new Set(problems.map(({ kind }) => kind))], ['contended']);
    const given = new Set(problems.map(({ index }) => index));
    assert.ok(given.has(0) && given.has(20));
    const applied = await counters.findOne({ _id: 'free' });
    assert.equal(applied?.n, tasks.length - given.size, 'exactly those that were not given back');

    await dead.abortTransaction();
    await applyAll(writer, tasks);
    assert.deepEqual(await counters.find().sort({ _id: 1 }).toArray(), [
      { _id: 'free', n: 38 },
      { _id: 'held', n: 2 },
    ]);
  },
);

test(
  'a store that only says until the deadline that a document is held is contended, not away',
  needs(mongoUrl),
  async (t) => {
    const { writer, counters } = await holdDocument(t, 400);
    const problems = await writer.applyOnce(incrementsOf(counters.collectionName, ['held', 'free', 'held'], 'a'));
    assert.ok(problems.some(({ index }) => index === 0));
    assert.deepEqual([...new Set(problems.map(({ kind }) => kind))], ['contended']);
  },
);

test('a document that was held a moment ago holds up nobody, and is asked for again', needs(mongoUrl), async (t) => {
  const { writer, counters, dead } = await holdDocument(t, 20_000);
  const name = counters.collectionName;
  assert.equal((await writer.applyOnce(incrementsOf(name, ['held'], 'first'))).length, 1);
  const tasks = incrementsOf(name, ['free', 'held'], 'second');
  // Its transaction ends: only what is remembered keeps the next one from it.
  await dead.abortTransaction();
  const [problem, ...others] = await writer.applyOnce(tasks);
  assert.deepEqual([problem?.index, problem?.kind, others.length], [1, 'contended', 0]);
  await applyAll(writer, tasks);
  assert.deepEqual(await counters.find().sort({ _id: 1 }).toArray(), [
    { _id: 'free', n: 1 },
    { _id: 'held', n: 1 },
  ]);
});
