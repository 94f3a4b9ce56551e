import assert from 'node:assert/strict';
import { BSON } from 'mongodb';
import { once, update } from '../support/once-tasks.ts';
import type { StoreBench } from './exercise-store.ts';

/** Filters and updates: every store must take them as MongoDB does. */
export function exerciseLanguage(it: (behaviour: string, body: (bench: StoreBench) => Promise<void>) => void): void {
  it('finds what the query language says', async ({ writer, find }) => {
    const id = new BSON.ObjectId();
    const at = new Date(5);
    const document = { _id: id, n: 5, text: 'axb', at, list: [{ k: 1 }, { k: 2 }], nested: { a: 1, b: 2 }, nil: null };
    await writer.insertMany('c', [document]);
    const hits: Record<string, unknown>[] = [
      { _id: id },
      { _id: { $in: [id] } },
      { n: { $gt: 4, $lt: 6 } },
      { text: /X/i },
      { text: { $regex: '^a' } },
      { at },
      { at: { $lte: at } },
      { 'list.k': 2 },
      { list: { $elemMatch: { k: { $gt: 1 } } } },
      { list: { $size: 2 } },
      { 'list.0.k': 1 },
      { nested: { a: 1, b: 2 } },
      { nil: null, missing: null },
      { missing: { $exists: false } },
      { $or: [{ n: 1 }, { n: 5 }] },
      { $nor: [{ n: 1 }] },
      { n: { $not: { $gt: 5 } } },
      { $expr: { $eq: ['$nested.a', 1] } },
      { n: { $type: 'number' } },
      { n: { $mod: [4, 1] } },
    ];
    const misses: Record<string, unknown>[] = [
      { _id: new BSON.ObjectId() },
      { _id: id.toHexString() },
      { n: '5' },
      { nested: { a: 1 } },
      { nil: { $exists: false } },
      { list: [] },
      { at: 5 },
      { n: { $in: [] } },
    ];
    const tasks = [...hits, ...misses].map((filter, nth) =>
      once(`t${nth}`, update('c', filter, { $push: { hit: nth } })),
    );
    assert.deepEqual(await writer.applyOnce(tasks), []);
    assert.deepEqual((await find('c', id))?.['hit'], [...hits.keys()]);
  });

  it('updates as the update language says', async ({ writer, find }) => {
    const cases: [Record<string, unknown>, Record<string, unknown> | Record<string, unknown>[], object][] = [
      [{}, { $set: { 'a.b': 1, c: [1] } }, { a: { b: 1 }, c: [1] }],
      [{ a: { b: 1, c: 2 } }, { $unset: { 'a.b': '', x: '' } }, { a: { c: 2 } }],
      [{ n: 1.5 }, { $inc: { n: 2, m: -1 } }, { n: 3.5, m: -1 }],
      [{ n: 3 }, { $mul: { n: 2, m: 2 } }, { n: 6, m: 0 }],
      [
        { n: 3, m: 3 },
        { $min: { n: 2 }, $max: { m: 2, o: 1 } },
        { n: 2, m: 3, o: 1 },
      ],
      [{ a: 1 }, { $rename: { a: 'b' } }, { b: 1 }],
      [{ l: [1] }, { $push: { l: 2, m: 1 } }, { l: [1, 2], m: [1] }],
      [{ l: [1] }, { $push: { l: { $each: [3, 2], $sort: -1, $slice: 2 } } }, { l: [3, 2] }],
      [{ l: [1] }, { $addToSet: { l: { $each: [1, 2] } } }, { l: [1, 2] }],
      [{ l: [1, 2, 3] }, { $pull: { l: { $gt: 1 } } }, { l: [1] }],
      [{ l: [1, 2, 1] }, { $pullAll: { l: [1] } }, { l: [2] }],
      [{ l: [1, 2, 3] }, { $pop: { l: 1 } }, { l: [1, 2] }],
      [{ l: [1, 2] }, { $set: { 'l.1': 9 } }, { l: [1, 9] }],
      [{ l: [{ k: 1 }, { k: 2 }] }, { $inc: { 'l.$[].k': 1 } }, { l: [{ k: 2 }, { k: 3 }] }],
      [{ n: 1 }, { $bit: { n: { or: 6 } } }, { n: 7 }],
      [{ n: 2 }, [{ $set: { m: { $multiply: ['$n', 4] } } }, { $unset: 'n' }], { m: 8 }],
      [{ n: 2 }, { $setOnInsert: { m: 1 }, $set: { n: 3 } }, { n: 3 }],
    ];
    await writer.insertMany(
      'c',
      cases.map(([before], nth) => ({ _id: nth, ...before })),
    );
    const tasks = cases.map(([, change], nth) => once(`t${nth}`, update('c', { _id: nth }, change)));
    assert.deepEqual(await writer.applyOnce(tasks), []);
    for (const [nth, [, change, after]] of cases.entries()) {
      assert.deepEqual(await find('c', nth), { _id: nth, ...after }, JSON.stringify(change));
    }
  });
}
