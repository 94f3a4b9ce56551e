import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { EffectWriter } from '../../src/store/effect-writer.ts';
import type { OnceProblem, OnceTask, StoreOperation, StoreWriter } from '../../src/store/store.ts';
import { deleteOne, insertOne, replaceOne, updateOne } from '../../src/task/effect.ts';
import { insert, once, remove, replace, update } from '../support/once-tasks.ts';
import {
  type ExerciseStoreOptions,
  openWriterOf,
  type StoreBench,
  type StoreFixture,
  startStoreBench,
} from './exercise-store.ts';
import { exerciseLanguage } from './exercise-store-language.ts';

/** What `applyOnce` of every store adapter must do. */
export function exerciseStoreOnce(
  name: string,
  makeFixture: () => Promise<StoreFixture>,
  options: ExerciseStoreOptions = {},
): void {
  function it(behaviour: string, body: (bench: StoreBench) => Promise<void>): void {
    test(`${name}: ${behaviour}`, options, async (context) => body(await startStoreBench(context, makeFixture)));
  }

  exerciseLanguage(it);

  it('applies every kind of write', async ({ writer, find, count }) => {
    await writer.insertMany('c', [{ _id: 'u', n: 1 }, { _id: 'r', n: 2 }, { _id: 'd' }]);
    const problems = await writer.applyOnce([
      once('t1', insert('c', { _id: 'i' }), update('c', { _id: 'u' }, { $inc: { n: 5 } })),
      once('t2', replace('c', { _id: 'r' }, { m: 3 }), remove('c', { _id: 'd' })),
    ]);
    assert.deepEqual(problems, []);
    assert.deepEqual(await find('c', 'i'), { _id: 'i' });
    assert.deepEqual(await find('c', 'u'), { _id: 'u', n: 6 });
    assert.deepEqual(await find('c', 'r'), { _id: 'r', m: 3 });
    assert.equal(await count('c'), 3);
  });

  it('does nothing for no tasks, and nothing for a task that matches nothing', async ({ writer, count }) => {
    assert.deepEqual(await writer.applyOnce([]), []);
    const nothing = { _id: 'none' };
    const task = once('t', update('c', nothing, { $set: { a: 1 } }), replace('c', nothing, {}), remove('c', nothing));
    assert.deepEqual(await writer.applyOnce([task, once('u')]), []);
    assert.equal(await count('c'), 0);
  });

  it('applies a task once however often it is asked to, also when another has changed the document since', async (bench) => {
    const { writer, find } = bench;
    const first = once('t1', update('c', { _id: 'x' }, { $set: { by: 't1' }, $inc: { n: 1 } }, true));
    const second = once('t2', update('c', { _id: 'x' }, { $set: { by: 't2' }, $inc: { n: 1 } }));
    for (const tasks of [[first], [first], [second], [first], [first, second]]) {
      assert.deepEqual(await writer.applyOnce(tasks), []);
    }
    assert.deepEqual(await find('c', 'x'), { _id: 'x', by: 't2', n: 2 });
  });

  it('does not bring back what a later task has removed', async ({ writer, count }) => {
    const make = once('t1', update('c', { _id: 'x' }, { $set: { n: 1 } }, true));
    for (const task of [make, once('t2', remove('c', { _id: 'x' })), make]) {
      assert.deepEqual(await writer.applyOnce([task]), []);
    }
    assert.equal(await count('c'), 0);
  });

  it('applies each task once when two writers are asked for the same ones at once', async (bench) => {
    const { store, writer, find } = bench;
    const other = await openWriterOf(store);
    const tasks = Array.from({ length: 60 }, (_, nth) =>
      once(`t${nth}`, update('c', { _id: nth % 3 }, { $inc: { n: 1 } }, true), insert('d', { _id: `t${nth}` }, true)),
    );
    const answers = await Promise.all(
      [writer, other, writer, other].map((one, nth) => applyAll(one, nth % 2 === 0 ? tasks : tasks.toReversed())),
    );
    await other.close();
    assert.deepEqual(answers, [[], [], [], []]);
    for (const id of [0, 1, 2]) assert.deepEqual(await find('c', id), { _id: id, n: 20 });
    assert.equal(await bench.count('d'), 60);
  });

  it('counts exactly however calls repeat, overlap and share documents', async ({ store, writer, find }) => {
    const other = await openWriterOf(store);
    const calls = fc.array(fc.array(fc.nat({ max: 11 }), { minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 5,
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(calls, async (batches) => {
        const ids = new Set(batches.flat());
        const prefix = `r${round++}-`;
        const task = (nth: number): OnceTask =>
          once(`${prefix}${nth}`, update('c', { _id: `${prefix}${nth % 2}` }, { $inc: { n: nth + 1 } }, true));
        const answers = await Promise.all(
          batches.map((batch, nth) => applyAll(nth % 2 === 0 ? writer : other, batch.map(task))),
        );
        assert.ok(answers.every((problems) => problems.length === 0));
        for (const counter of [0, 1]) {
          const wanted = [...ids].filter((nth) => nth % 2 === counter).reduce((sum, nth) => sum + nth + 1, 0);
          assert.equal((await find('c', `${prefix}${counter}`))?.['n'] ?? 0, wanted);
        }
      }),
      { numRuns: 15 },
    );
    await other.close();
  });

  it('adds up what several writers do to one document at once', async ({ store, writer, find }) => {
    const others = await Promise.all([openWriterOf(store), openWriterOf(store)]);
    const writing = [writer, ...others].flatMap((one, nth) =>
      [0, 1, 2].map((call) =>
        applyAll(
          one,
          Array.from({ length: 10 }, (_, task) =>
            once(`${nth}.${call}.${task}`, update('c', { _id: 'hot' }, { $inc: { n: 1 } }, true)),
          ),
        ),
      ),
    );
    assert.deepEqual(
      await Promise.all(writing),
      writing.map(() => []),
    );
    for (const one of others) await one.close();
    assert.deepEqual(await find('c', 'hot'), { _id: 'hot', n: 90 });
  });

  it('keeps the order of a task’s own effects', async ({ writer, find, count }) => {
    const filter = { _id: 'x' };
    const push = (value: number): StoreOperation => update('c', filter, { $push: { list: value } });
    const tasks = [
      once('t1', insert('c', { _id: 'x' }), push(1), push(2), remove('c', filter)),
      once('t2', insert('d', { _id: 'y' }), insert('c', { _id: 'z' })),
      once('t3', update('c', filter, { $set: { early: true } }), insert('c', { _id: 'x' }), push(3), push(4)),
    ];
    for (const task of tasks) assert.deepEqual(await writer.applyOnce([task]), []);
    assert.deepEqual(await find('c', 'x'), { _id: 'x', list: [3, 4] });
    const together = [
      once('t4', remove('c', filter), insert('c', { _id: 'x', list: [] }), push(5), remove('c', { _id: 'z' })),
      once('t5', replace('c', { _id: 'w' }, { a: 1 }, true), update('c', { _id: 'w' }, { $inc: { a: 1 } })),
    ];
    assert.deepEqual(await writer.applyOnce(together), []);
    assert.deepEqual(await find('c', 'x'), { _id: 'x', list: [5] });
    assert.deepEqual(await find('c', 'w'), { _id: 'w', a: 2 });
    assert.equal(await count('c'), 2);
  });

  it('applies all of a task or nothing, whatever came before its bad part', async ({ writer, find, count }) => {
    await writer.insertMany('c', [
      { _id: 'u', n: 1 },
      { _id: 'r', n: 1 },
      { _id: 'd' },
      { _id: 'text', n: 'one', list: 1 },
    ]);
    const good = [
      insert('e', { _id: 'new' }),
      update('c', { _id: 'u' }, { $inc: { n: 1 } }),
      update('c', { _id: 'up' }, { $set: { n: 1 } }, true),
      replace('c', { _id: 'r' }, { n: 2 }),
      remove('c', { _id: 'd' }),
    ];
    for (const [nth, [, bad]] of badOperations().entries()) {
      const problems = await writer.applyOnce([once(`t${nth}`, ...good, bad())]);
      assert.deepEqual(kinds(problems), [[0, 'refused']]);
    }
    assert.deepEqual(await find('c', 'u'), { _id: 'u', n: 1 });
    assert.deepEqual(await find('c', 'r'), { _id: 'r', n: 1 });
    assert.deepEqual([await count('c'), await count('e')], [4, 0]);
    assert.deepEqual(await writer.applyOnce([once('t0', ...good)]), []); // its mark was not kept either
    assert.deepEqual(await find('c', 'u'), { _id: 'u', n: 2 });
  });

  for (const [what, makeBad] of badOperations()) {
    it(`refuses ${what} and applies the tasks around it`, async ({ writer, find }) => {
      await writer.insertMany('c', [{ _id: 'text', n: 'one', list: 1 }]);
      const count = update('c', { _id: 'x' }, { $inc: { n: 1 } }, true);
      const problems = await writer.applyOnce([once('a', count), once('bad', count, makeBad()), once('b', count)]);
      assert.deepEqual(kinds(problems), [[1, 'refused']]);
      assert.match(problems[0]?.message ?? '', /\S/);
      assert.deepEqual(await find('c', 'x'), { _id: 'x', n: 2 });
    });
  }

  it('finds the bad tasks among a thousand', async ({ writer, find }) => {
    await writer.insertMany('c', [{ _id: 'text', n: 'one', list: 1 }]);
    const bad = new Map([0, 3, 4, 199, 200, 777, 999].map((index, nth) => [index, badOperations()[nth]?.[1]]));
    const tasks = Array.from({ length: 1_000 }, (_, index) =>
      once(`t${index}`, bad.get(index)?.() ?? update('c', { _id: 'x' }, { $inc: { n: 1 } }, true)),
    );
    const problems = await writer.applyOnce(tasks);
    assert.deepEqual(
      kinds(problems),
      [...bad.keys()].map((index) => [index, 'refused']),
    );
    assert.equal((await find('c', 'x'))?.['n'], 1_000 - bad.size);
  });

  it('names every task when all are bad', async ({ writer }) => {
    const tasks = Array.from({ length: 20 }, (_, nth) =>
      once(`t${nth}`, update('c', { _id: 'x' }, { $nope: { a: 1 } })),
    );
    assert.deepEqual(
      kinds(await writer.applyOnce(tasks)),
      tasks.map((_, index) => [index, 'refused']),
    );
  });

  it('inserts with `upsert` what the filter and the update say', async ({ writer, find, count }) => {
    const filter = { _id: 'a', 'at.place': 'x', kind: { $eq: 'k' }, n: { $gt: 5 }, $and: [{ both: 1 }] };
    const problems = await writer.applyOnce([
      once('t1', update('c', filter, { $inc: { total: 2 }, $setOnInsert: { fresh: true } }, true)),
      once('t2', update('c', { _id: 'b' }, { $set: { n: 1 }, $setOnInsert: { fresh: true } }, true)),
      once('t3', update('c', { _id: 'b' }, { $set: { n: 2 }, $setOnInsert: { fresh: 'again' } }, true)),
      once('t4', update('c', { name: 'd' }, { $setOnInsert: { _id: 'd' } }, true)),
      once('t5', replace('c', { _id: 'e' }, { n: 5 }, true)),
      once('t6', replace('c', { name: 'f' }, { _id: 'f' }, true)),
      once('t7', update('generated', { name: 'g' }, { $set: { n: 7 } }, true)),
      once('t8', update('c', { _id: 'h' }, [{ $set: { n: { $add: [3, 4] } } }], true)),
    ]);
    assert.deepEqual(problems, []);
    const expected = [
      { _id: 'a', at: { place: 'x' }, kind: 'k', both: 1, total: 2, fresh: true },
      { _id: 'b', n: 2, fresh: true },
      { _id: 'd', name: 'd' },
      { _id: 'e', n: 5 },
      { _id: 'f' },
      { _id: 'h', n: 7 },
    ];
    for (const document of expected) assert.deepEqual(await find('c', document._id), document);
    assert.deepEqual([await count('c'), await count('generated')], [expected.length, 1]);
  });

  it('changes, replaces and removes one document only', async ({ writer, count, find }) => {
    await writer.insertMany('c', [
      { _id: 1, all: true },
      { _id: 2, all: true },
      { _id: 3, all: true },
    ]);
    await writer.applyOnce([once('t1', update('c', { all: true }, { $set: { all: 'updated' } }))]);
    await writer.applyOnce([once('t2', replace('c', { all: true }, { all: 'replaced' }))]);
    await writer.applyOnce([once('t3', remove('c', { all: true }))]);
    assert.equal(await count('c'), 2);
    const left = await Promise.all([1, 2, 3].map((id) => find('c', id)));
    assert.deepEqual(new Set(left.flatMap((document) => document?.['all'] ?? [])), new Set(['updated', 'replaced']));
  });

  it('applies one of two tasks that have the same id in one call, and gives both its verdict', async (bench) => {
    const { writer, find } = bench;
    const count = update('c', { _id: 'x' }, { $inc: { n: 1 } }, true);
    const bad = update('c', { _id: 'x' }, { $nope: 1 });
    const tasks = [once('a', count), once('b', bad), once('a', count), once('b', bad), once('c', count)];
    assert.deepEqual(kinds(await writer.applyOnce(tasks)), [
      [1, 'refused'],
      [3, 'refused'],
    ]);
    assert.deepEqual(await find('c', 'x'), { _id: 'x', n: 2 });
  });

  it('calls it a conflict where a unique index is in the way, for every kind of write', async (bench) => {
    const { writer, createUniqueIndex, count, find } = bench;
    await createUniqueIndex('c', 'number');
    await writer.insertMany('c', [
      { _id: 'a', number: 1 },
      { _id: 'b', number: 2 },
    ]);
    const problems = await writer.applyOnce([
      once('t0', insert('c', { _id: 'x', number: 1 }, true)),
      once('t1', update('c', { _id: 'a' }, { $set: { number: 2 } })),
      once('t2', update('c', { _id: 'y' }, { $set: { number: 2 } }, true)),
      once('t3', replace('c', { _id: 'b' }, { number: 1 })),
      once('t4', update('c', { _id: 'a' }, { $set: { number: 3 } }), insert('c', { _id: 'z', number: 4 })),
      once('t5', insert('c', { _id: 'b', number: 9 })),
      once('t6', update('c', { _id: 'b', number: 99 }, { $set: { a: 1 } }, true)),
    ]);
    assert.deepEqual(
      kinds(problems),
      [0, 1, 2, 3, 5, 6].map((index) => [index, 'conflict']),
    );
    assert.deepEqual(await find('c', 'a'), { _id: 'a', number: 3 });
    assert.deepEqual(await find('c', 'b'), { _id: 'b', number: 2 });
    assert.equal(await count('c'), 3);
  });

  it('counts an insert as stored whose given id is there already, and applies the task’s others', async (bench) => {
    const { writer, find, count } = bench;
    await writer.insertMany('c', [{ _id: 't1', first: true }, { _id: 't1:2' }]);
    const increment = update('d', { _id: 'x' }, { $inc: { n: 1 } }, true);
    const problems = await writer.applyOnce([
      once('t0', increment),
      once('t1', insert('c', { _id: 't1', first: false }, true), increment, insert('c', { _id: 't1:2' }, true)),
      once('t2', insert('c', { _id: 't1:2' }, false), increment),
    ]);
    assert.deepEqual(kinds(problems), [[2, 'conflict']]);
    assert.deepEqual(await find('c', 't1'), { _id: 't1', first: true });
    assert.deepEqual(await find('d', 'x'), { _id: 'x', n: 2 });
    assert.equal(await count('c'), 2);
  });

  it('refuses collections that cannot be', async ({ writer, count }) => {
    const names = ['', 'a$b', 'a\0b', 'system.x'];
    const tasks = names.map((collection, nth) =>
      once(
        `t${nth}`,
        update('c', { _id: nth }, { $set: { n: 1 } }, true),
        update(collection, { _id: 1 }, { $set: { n: 1 } }),
      ),
    );
    assert.deepEqual(
      kinds(await writer.applyOnce([...tasks, once('good', insert('c', { _id: 'good' }))])),
      names.map((_, index) => [index, 'refused']),
    );
    assert.equal(await count('c'), 1);
  });

  it('leaves the caller’s objects as they were', async ({ writer }) => {
    const frozen = <T extends object>(value: T): T => Object.freeze(value);
    const filter = frozen({ _id: 'a' });
    const operations = [
      frozen(update('c', filter, frozen({ $set: frozen({ list: frozen([1]) }) }), true)),
      frozen(replace('c', filter, frozen({ n: 1 }))),
    ];
    assert.deepEqual(await writer.applyOnce(frozen([frozen({ id: 't', operations: frozen(operations) })])), []);
  });

  it('says unknown while it is away, and applies the same tasks once when it is back', async (bench) => {
    const { store, writer, find } = bench;
    const task = once('t', update('c', { _id: 'x' }, { $inc: { n: 1 } }, true));
    await writer.applyOnce([once('warm', insert('c', { _id: 'warm' }))]);
    await bench.goAway();
    await assert.rejects(writer.applyOnce([task]), (error) => isRuntimeError(error, 'E_STORE_UNKNOWN'));
    await bench.comeBack();
    await store.ping();
    assert.deepEqual(await writer.applyOnce([task]), []);
    assert.deepEqual(await find('c', 'x'), { _id: 'x', n: 1 });
  });

  it('carries the effects of tasks of all kinds, once however often they are written', async ({
    writer,
    find,
    count,
  }) => {
    const effects = new EffectWriter(writer);
    const counter = { _id: 'counter' };
    const batch = [
      { index: 0, task: 'store', taskId: 't0', effects: [insertOne('c', { n: 0 })] },
      {
        index: 1,
        task: 'store',
        taskId: 't1',
        effects: [insertOne('c', { n: 1 }), updateOne('d', counter, { $inc: { n: 1 } }, { upsert: true })],
      },
      { index: 2, task: 'store', taskId: 't2', effects: [replaceOne('d', { _id: 'r' }, { n: 2 }, { upsert: true })] },
      {
        index: 3,
        task: 'store',
        taskId: 't3',
        effects: [insertOne('c', { _id: 'mine' }), deleteOne('c', { _id: 'mine' })],
      },
      { index: 4, task: 'store', taskId: 't4', effects: [updateOne('d', counter, { $nope: 1 })] },
    ];
    for (let times = 0; times < 3; times++) {
      assert.deepEqual(
        (await effects.write(batch)).map(({ index, error }) => [index, error.code]),
        [[4, 'E_STORE_REFUSED']],
      );
    }
    assert.deepEqual(await find('c', 't1'), { _id: 't1', n: 1 });
    assert.deepEqual(await find('d', 'counter'), { _id: 'counter', n: 1 });
    assert.deepEqual([await count('c'), await count('d')], [2, 2]);
  });
}

/** Asks again, as the runtime does, for what another transaction was in the way of; returns all other problems. */
async function applyAll(writer: StoreWriter, tasks: readonly OnceTask[]): Promise<OnceProblem[]> {
  const others: OnceProblem[] = [];
  for (let left = tasks; left.length > 0; ) {
    const problems = await writer.applyOnce(left);
    others.push(...problems.filter(({ kind }) => kind !== 'contended'));
    left = problems.flatMap(({ index, kind }) => (kind === 'contended' ? [left[index] as OnceTask] : []));
  }
  return others;
}

/** Writes that no store can do; `text` is a document of `c` with a text in `n` and a number in `list`. */
function badOperations(): readonly (readonly [string, () => StoreOperation])[] {
  const text = { _id: 'text' };
  return [
    ['an operator that does not exist', () => update('c', text, { $nope: { a: 1 } })],
    ['a filter operator that does not exist', () => remove('c', { a: { $nope: 1 } })],
    ['an increment that is no number', () => update('c', text, { $inc: { m: 'x' } })],
    ['an increment of what is no number', () => update('c', text, { $inc: { n: 1 } })],
    ['a push to what is no array', () => update('c', text, { $push: { list: 1 } })],
    ['a field of what is no document', () => update('c', text, { $set: { 'n.inner': 1 } })],
    ['another id', () => update('c', text, { $set: { _id: 'other' } })],
    ['another id by a pipeline', () => update('c', text, [{ $set: { _id: 'other' } }])],
    ['a replacement with another id', () => replace('c', text, { _id: 'other' })],
    ['a document over 16 MiB', () => insert('c', { _id: 'big', text: 'x'.repeat(16 * 1024 * 1024) })],
    ['an update over 16 MiB', () => update('c', text, { $set: { big: 'x'.repeat(17 * 1024 * 1024) } })],
    ['an update that contains itself', () => update('c', text, { $set: { self: cyclic() } })],
    ['a filter that contains itself', () => update('c', { a: cyclic() }, { $set: { n: 1 } })],
    ['a key with a NUL', () => replace('c', text, { 'a\0b': 1 })],
    ['an id that is an array', () => insert('c', { _id: ['a'] })],
    [
      'a getter that throws',
      () =>
        update('c', text, {
          $set: {
            get broken() {
              throw new Error('broken');
            },
          },
        }),
    ],
  ];
}

function cyclic(): object {
  const value: { self?: unknown } = {};
  value.self = value;
  return value;
}

function kinds(problems: readonly OnceProblem[]): [number, string][] {
  return problems.map(({ index, kind }): [number, string] => [index, kind]);
}
