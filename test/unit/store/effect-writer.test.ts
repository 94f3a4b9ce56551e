import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';
import type { EffectProblem } from '../../../src/store/effect-verdicts.ts';
import { type CollectedEffect, EffectWriter } from '../../../src/store/effect-writer.ts';
import type { InsertProblem, OnceProblem, OnceTask, StoreDocument, StoreWriter } from '../../../src/store/store.ts';
import { deleteOne, type InsertEffect, insertOne, replaceOne, updateOne } from '../../../src/task/effect.ts';

/**
 * A store in an array: what it was given, and one document at a time. `{ refuse: true }` is refused, `unique` is an index.
 * What is to be applied once it only writes down, and answers as it is told.
 */
class ListStore implements StoreWriter {
  readonly once: (readonly OnceTask[])[] = [];
  onceAnswer: readonly OnceProblem[] | Error = [];
  readonly calls: { collection: string; documents: readonly StoreDocument[] }[] = [];
  readonly collections = new Map<string, StoreDocument[]>();
  readonly away = new Set<string>();

  async insertMany(collection: string, documents: readonly StoreDocument[]): Promise<readonly InsertProblem[]> {
    this.calls.push({ collection, documents });
    if (this.away.has(collection)) throw new RuntimeError('E_STORE_UNKNOWN', `${collection} is away`);
    return documents.flatMap((document, index) => {
      const kind = this.insertOne(collection, document);
      return kind === undefined ? [] : [{ index, kind, message: kind }];
    });
  }

  async applyOnce(tasks: readonly OnceTask[]): Promise<readonly OnceProblem[]> {
    this.once.push(tasks);
    if (this.onceAnswer instanceof Error) throw this.onceAnswer;
    return this.onceAnswer;
  }

  insertOne(collection: string, document: StoreDocument): InsertProblem['kind'] | undefined {
    const stored = this.collections.get(collection) ?? [];
    this.collections.set(collection, stored);
    if (document['refuse'] === true) return 'refused';
    if (stored.some(({ _id }) => _id === document._id)) return 'duplicate-id';
    if (document['unique'] !== undefined && stored.some(({ unique }) => unique === document['unique']))
      return 'conflict';
    stored.push(document);
    return undefined;
  }

  async close(): Promise<void> {}
}

function task(index: number, ...effects: CollectedEffect['effects']): CollectedEffect {
  return { index, task: 'store', taskId: `t${index}`, effects };
}

function codes(problems: readonly EffectProblem[]): [number, string, string][] {
  return problems.map(({ index, kind, error }): [number, string, string] => [index, kind, error.code]);
}

test('the effects of a batch become one insertMany a collection', async () => {
  const store = new ListStore();
  const batch = [
    task(0, insertOne('a', { n: 0 }), insertOne('b', { n: 1 })),
    task(1),
    task(2, insertOne('a', { n: 2 })),
  ];
  assert.deepEqual(await new EffectWriter(store).write(batch), []);
  assert.deepEqual(store.calls, [
    {
      collection: 'a',
      documents: [
        { _id: 't0', n: 0 },
        { _id: 't2', n: 2 },
      ],
    },
    { collection: 'b', documents: [{ _id: 't0:1', n: 1 }] },
  ]);
});

test('collections are written at the same time', async () => {
  let running = 0;
  let most = 0;
  const writer: StoreWriter = {
    insertMany: async () => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      return [];
    },
    applyOnce: async () => [],
    close: async () => {},
  };
  await new EffectWriter(writer).write([task(0, insertOne('a', {}), insertOne('b', {}), insertOne('c', {}))]);
  assert.equal(most, 3);
});

test('a batch without effects asks the store nothing', async () => {
  const store = new ListStore();
  assert.deepEqual(await new EffectWriter(store).write([task(0), task(1)]), []);
  assert.deepEqual(store.calls, []);
});

test('without a store every task with an effect fails, and no other', async () => {
  const problems = await new EffectWriter(undefined).write([task(0), task(1, insertOne('a', {})), task(2)]);
  assert.deepEqual(codes(problems), [[1, 'failed', 'E_STORE_MISSING']]);
});

test('an id that the runtime gave and that is there already counts as stored', async () => {
  const writer = new EffectWriter(new ListStore());
  const batch = [task(0, insertOne('a', { n: 0 }), insertOne('a', { n: 1 }))];
  await writer.write(batch);
  assert.deepEqual(await writer.write(batch), []);
});

test('the same task twice in one batch is stored once, and both succeed', async () => {
  const store = new ListStore();
  const twice = [task(0, insertOne('a', { n: 0 })), { ...task(0, insertOne('a', { n: 0 })), index: 1 }];
  assert.deepEqual(await new EffectWriter(store).write(twice), []);
  assert.equal(store.collections.get('a')?.length, 1);
});

test('an id that the task chose and that is there already is a conflict', async () => {
  const writer = new EffectWriter(new ListStore());
  await writer.write([task(0, insertOne('a', { _id: 'mine' }))]);
  const problems = await writer.write([task(1, insertOne('a', { _id: 'mine' }))]);
  assert.deepEqual(codes(problems), [[1, 'failed', 'E_STORE_CONFLICT']]);
  assert.match(problems[0]?.error.message ?? '', /leave _id out/);
});

test('another unique index is a conflict, also for an id that the runtime gave', async () => {
  const writer = new EffectWriter(new ListStore());
  await writer.write([task(0, insertOne('a', { unique: 1 }))]);
  assert.deepEqual(codes(await writer.write([task(1, insertOne('a', { unique: 1 }))])), [
    [1, 'failed', 'E_STORE_CONFLICT'],
  ]);
});

test('a store that gives no answer leaves exactly the tasks of its collection unknown', async () => {
  const store = new ListStore();
  store.away.add('b');
  const batch = [
    task(0, insertOne('a', {})),
    task(1, insertOne('b', {})),
    task(2, insertOne('a', {}), insertOne('b', {})),
  ];
  assert.deepEqual(codes(await new EffectWriter(store).write(batch)), [
    [1, 'unknown', 'E_STORE_UNKNOWN'],
    [2, 'unknown', 'E_STORE_UNKNOWN'],
  ]);
});

test('a task that is both failed and unknown runs again', async () => {
  for (const [first, second] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const store = new ListStore();
    store.away.add('b');
    const batch = [task(0, insertOne(first, { refuse: true }), insertOne(second, { refuse: true }))];
    assert.deepEqual(codes(await new EffectWriter(store).write(batch)), [[0, 'unknown', 'E_STORE_UNKNOWN']]);
  }
});

test('a store that names a document it was not given is believed in nothing', async () => {
  const writer: StoreWriter = {
    insertMany: async () => [{ index: 7, kind: 'refused', message: '' }],
    applyOnce: async () => [{ index: 7, kind: 'refused', message: '' }],
    close: async () => {},
  };
  for (const effect of [insertOne('a', {}), deleteOne('a', { n: 1 })]) {
    assert.deepEqual(codes(await new EffectWriter(writer).write([task(0, effect)])), [
      [0, 'unknown', 'E_STORE_UNKNOWN'],
    ]);
  }
});

test('a task’s document is never touched', async () => {
  const documents = [{ n: 1 }, { _id: undefined, n: 2 }, { _id: null, n: 3 }, { _id: 'mine', n: 4 }].map((fields) =>
    Object.freeze(fields),
  );
  const store = new ListStore();
  await new EffectWriter(store).write([task(0, ...documents.map((document) => insertOne('a', document)))]);
  assert.deepEqual(store.collections.get('a'), [
    { _id: 't0', n: 1 },
    { _id: 't0:1', n: 2 },
    { _id: 't0:2', n: 3 },
    { _id: 'mine', n: 4 },
  ]);
});

test('a document is what the database would make of it: a Map’s entries, toBSON’s result, an instance’s own fields', async () => {
  class Call {
    readonly caller = 'x';
    get length(): number {
      return 1;
    }
  }
  const documents: object[] = [
    new Map([['k', 1]]),
    { secret: 1, toBSON: () => ({ shown: 1 }) },
    new Call(),
    Object.create(null),
  ];
  const store = new ListStore();
  assert.deepEqual(
    await new EffectWriter(store).write([task(0, ...documents.map((document) => insertOne('a', document as never)))]),
    [],
  );
  assert.deepEqual(store.collections.get('a'), [
    { _id: 't0', k: 1 },
    { _id: 't0:1', shown: 1 },
    { _id: 't0:2', caller: 'x' },
    { _id: 't0:3' },
  ]);
});

test('what is no document fails its own task before the store sees it', async () => {
  const broken = {
    get field(): never {
      throw new Error('boom');
    },
  };
  const bad: unknown[] = [
    new Date(),
    /x/,
    new Uint8Array(3),
    new Set([1]),
    { toBSON: () => 'text' },
    { toBSON: () => [1] },
    broken,
    { _bsontype: 'Long' },
  ];
  for (const document of bad.slice(0, -1)) {
    const store = new ListStore();
    const problems = await new EffectWriter(store).write([
      task(0, insertOne('a', document as never)),
      task(1, insertOne('a', {})),
    ]);
    assert.deepEqual(codes(problems), [[0, 'failed', 'E_STORE_REFUSED']]);
    assert.deepEqual(store.calls[0]?.documents, [{ _id: 't1' }]);
  }
});

test('a task that updates, replaces or deletes has all its effects applied once, in their order', async () => {
  const store = new ListStore();
  const filter = { _id: 'x' };
  const batch = [
    task(0, insertOne('a', { n: 0 })),
    task(
      1,
      insertOne('a', { n: 1 }),
      updateOne('b', filter, { $inc: { n: 1 } }, { upsert: true }),
      insertOne('a', { n: 2 }),
      insertOne('a', { _id: 'mine' }),
    ),
    task(2, replaceOne('b', filter, { _id: undefined, n: 3 }), replaceOne('b', filter, { _id: 'x' }, { upsert: true })),
    task(3, deleteOne('b', filter)),
  ];
  assert.deepEqual(await new EffectWriter(store).write(batch), []);
  assert.deepEqual(store.calls, [{ collection: 'a', documents: [{ _id: 't0', n: 0 }] }]);
  assert.deepEqual(store.once, [
    [
      {
        id: 'store:t1',
        operations: [
          { kind: 'insert', collection: 'a', document: { _id: 't1', n: 1 }, ifAbsent: true },
          { kind: 'update', collection: 'b', filter, update: { $inc: { n: 1 } }, upsert: true },
          { kind: 'insert', collection: 'a', document: { _id: 't1:2', n: 2 }, ifAbsent: true },
          { kind: 'insert', collection: 'a', document: { _id: 'mine' }, ifAbsent: false },
        ],
      },
      {
        id: 'store:t2',
        operations: [
          { kind: 'replace', collection: 'b', filter, document: { n: 3 }, upsert: false },
          { kind: 'replace', collection: 'b', filter, document: { _id: 'x' }, upsert: true },
        ],
      },
      { id: 'store:t3', operations: [{ kind: 'delete', collection: 'b', filter }] },
    ],
  ]);
});

test('why a task was not applied becomes its error, and the others of the batch are done', async () => {
  const store = new ListStore();
  store.onceAnswer = [
    { index: 0, kind: 'conflict', message: 'taken' },
    { index: 1, kind: 'refused', message: 'no such operator' },
    { index: 3, kind: 'unsupported', message: 'no replica set' },
    { index: 4, kind: 'unknown', message: 'no time left' },
    { index: 5, kind: 'contended', message: 'write conflict' },
  ];
  const batch = [5, 6, 7, 8, 9, 10, 11].map((index) => task(index, deleteOne('a', { n: 1 })));
  const problems = await new EffectWriter(store).write(batch);
  assert.deepEqual(codes(problems), [
    [5, 'failed', 'E_STORE_CONFLICT'],
    [6, 'failed', 'E_STORE_REFUSED'],
    [8, 'failed', 'E_STORE_UNSUPPORTED'],
    [9, 'unknown', 'E_STORE_UNKNOWN'],
    [10, 'unknown', 'E_STORE_CONTENDED'],
  ]);
  assert.match(problems[2]?.error.message ?? '', /needs transactions: no replica set/);
});

test('when it is not known what was applied, every such task runs again and the inserts of the batch are stored', async () => {
  const store = new ListStore();
  store.onceAnswer = new RuntimeError('E_STORE_UNKNOWN', 'no answer');
  const batch = [task(0, insertOne('a', {})), task(1, deleteOne('a', { n: 1 })), task(2, deleteOne('a', { n: 2 }))];
  assert.deepEqual(codes(await new EffectWriter(store).write(batch)), [
    [1, 'unknown', 'E_STORE_UNKNOWN'],
    [2, 'unknown', 'E_STORE_UNKNOWN'],
  ]);
  assert.equal(store.collections.get('a')?.length, 1);
});

test('where one effect of a task is no document, the store gets none of its effects', async () => {
  const store = new ListStore();
  const broken = [deleteOne('a', { n: 1 }), replaceOne('a', { n: 1 }, new Date() as never)];
  const problems = await new EffectWriter(store).write([task(0, ...broken), task(1, deleteOne('a', { n: 1 }))]);
  assert.deepEqual(codes(problems), [[0, 'failed', 'E_STORE_REFUSED']]);
  assert.deepEqual(
    store.once.map((tasks) => tasks.map(({ id }) => id)),
    [['store:t1']],
  );
});

/** A document of a small world, so that ids, unique values and refusals meet often. */
const effect = fc
  .record({
    collection: fc.constantFrom('a', 'b'),
    document: fc.record(
      {
        _id: fc.constantFrom('own1', 'own2', 't1', undefined),
        unique: fc.constantFrom(1, 2, 3),
        refuse: fc.constant(true),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ collection, document }) => insertOne(collection, document));
const batches = fc.array(
  fc.array(
    fc.record({
      task: fc.constant('store'),
      taskId: fc.constantFrom('t1', 't2', 't3', 't4'),
      effects: fc.array(effect, { maxLength: 3 }),
    }),
    { maxLength: 8 },
  ),
  { maxLength: 3 },
);

/** The obvious version: every effect by itself, collection after collection. */
function writeOneByOne(
  store: ListStore,
  tasks: readonly CollectedEffect[],
  away: string | undefined,
): [number, string, string][] {
  const verdicts = new Map<number, [number, string, string]>();
  const collections = new Set(tasks.flatMap(({ effects }) => effects.map(({ collection }) => collection)));
  for (const name of collections) {
    for (const { index, taskId, effects } of tasks) {
      effects.forEach((effect, nth) => {
        const { collection, document } = effect as InsertEffect;
        if (collection !== name) return;
        if (name === away) verdicts.set(index, [index, 'unknown', 'E_STORE_UNKNOWN']);
        else {
          const ownId = document['_id'];
          const kind = store.insertOne(name, { ...document, _id: ownId ?? (nth === 0 ? taskId : `${taskId}:${nth}`) });
          const stored = kind === undefined || (kind === 'duplicate-id' && ownId === undefined);
          if (stored || verdicts.has(index)) return;
          verdicts.set(index, [index, 'failed', kind === 'refused' ? 'E_STORE_REFUSED' : 'E_STORE_CONFLICT']);
        }
      });
    }
  }
  return [...verdicts.values()].sort(([a], [b]) => a - b);
}

test('for any batches the verdicts and the stored documents are those of writing one by one', async () => {
  await fc.assert(
    fc.asyncProperty(batches, fc.constantFrom('a', 'b', undefined), async (generated, away) => {
      const store = new ListStore();
      const reference = new ListStore();
      for (const [nth, batch] of generated.entries()) {
        const tasks = batch.map((generatedTask, index) => ({ ...generatedTask, index: index * 3 }));
        const awayNow = nth === 1 ? away : undefined;
        store.away.clear();
        if (awayNow !== undefined) store.away.add(awayNow);
        assert.deepEqual(codes(await new EffectWriter(store).write(tasks)), writeOneByOne(reference, tasks, awayNow));
      }
      for (const name of ['a', 'b']) {
        const ids = (list: ListStore): unknown[] => (list.collections.get(name) ?? []).map(({ _id }) => _id);
        assert.deepEqual(ids(store), ids(reference));
      }
    }),
    { numRuns: 500 },
  );
});

test('two tasks of one message, in two queues, are marked apart', async () => {
  const store = new ListStore();
  const effects = [deleteOne('a', { n: 1 })];
  for (const name of ['bill', 'ship']) {
    await new EffectWriter(store).write([{ index: 0, task: name, taskId: 'm', effects }]);
  }
  assert.deepEqual(
    store.once.map((tasks) => tasks.map(({ id }) => id)),
    [['bill:m'], ['ship:m']],
  );
});
