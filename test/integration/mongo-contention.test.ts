/** What a thread or process leaves behind that dies in the middle of its transaction: the server holds its documents. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWriter } from '../../src/store/mongo/mongo-writer.ts';
import type { OnceTask } from '../../src/store/store.ts';
import { createMongoDatabase } from '../support/mongo-database.ts';
import { mongoUrl, needs } from '../support/servers.ts';

interface Counter {
  readonly _id: string;
  readonly n: number;
}

test(
  'tasks whose document a dead transaction holds are given back, the others are applied, and later each is applied once',
  needs(mongoUrl),
  async (t) => {
    const { url, db, remove } = await createMongoDatabase();
    const counters = db.collection<Counter>('counters');
    await counters.insertMany([
      { _id: 'held', n: 0 },
      { _id: 'free', n: 0 },
    ]);
    const config = { url, timeoutMs: 20_000, connections: 2, effectMemoryMs: 3_600_000 };
    const writer = await openWriter(config);
    const dead = db.client.startSession();
    t.after(async () => {
      await dead.endSession();
      await writer.close();
      await remove();
    });
    const tasks: OnceTask[] = Array.from({ length: 40 }, (_, n) => {
      const filter = { _id: n % 20 === 0 ? 'held' : 'free' };
      const update = { $inc: { n: 1 } };
      const operation = { kind: 'update', collection: counters.collectionName, filter, update, upsert: false } as const;
      return { id: `${counters.collectionName}-${n}`, operations: [operation] };
    });

    dead.startTransaction();
    await counters.updateOne({ _id: 'held' }, { $inc: { n: 1_000 } }, { session: dead });
    const problems = await writer.applyOnce(tasks);
    assert.ok(problems.length >= 2, 'those of the held document at least');
    assert.deepEqual([...new Set(problems.map(({ kind }) => kind))], ['contended']);
    const given = new Set(problems.map(({ index }) => index));
    assert.ok(given.has(0) && given.has(20));
    const applied = await counters.findOne({ _id: 'free' });
    assert.equal(applied?.n, tasks.length - given.size, 'exactly those that were not given back');

    await dead.abortTransaction();
    assert.deepEqual(await writer.applyOnce(tasks), []);
    assert.deepEqual(await counters.find().sort({ _id: 1 }).toArray(), [
      { _id: 'free', n: 38 },
      { _id: 'held', n: 2 },
    ]);
  },
);
