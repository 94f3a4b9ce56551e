import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { EffectWriter } from '../../src/store/effect-writer.ts';
import type { InsertProblem, Store, StoreDocument, StoreWriter } from '../../src/store/store.ts';
import { insertOne } from '../../src/task/effect.ts';

/** One adapter with an empty store, and what the suite must know about it from outside. */
export interface StoreFixture {
  /** Not started. Writes must give up within a few seconds. */
  readonly store: Store;
  count(collection: string): Promise<number>;
  find(collection: string, id: unknown): Promise<Record<string, unknown> | undefined>;
  createUniqueIndex(collection: string, field: string): Promise<void>;
  /** Cuts the store off from this process, as a network would. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  /** After the store was stopped. */
  remove(): Promise<void>;
}

export interface ExerciseStoreOptions {
  /** Passed on to every test, e.g. `{ skip: 'needs a server' }`. */
  readonly skip?: string | false;
}

/** A started store and a writer. */
export interface StoreBench extends StoreFixture {
  readonly writer: StoreWriter;
}

/** What every store adapter must do. */
export function exerciseStore(
  name: string,
  makeFixture: () => Promise<StoreFixture>,
  options: ExerciseStoreOptions = {},
): void {
  function it(behaviour: string, body: (bench: StoreBench) => Promise<void>): void {
    test(`${name}: ${behaviour}`, options, async (context) => body(await startStoreBench(context, makeFixture)));
  }

  it('starts, answers a ping and says what it is', async ({ store }) => {
    await store.ping();
    assert.equal(store.health().state, 'connected');
    assert.match(store.health().server ?? '', /\S/);
  });

  it('stores every document of an array, with what it holds', async ({ writer, find, count }) => {
    const at = new Date('2026-01-02T03:04:05.678Z');
    const nested = { deep: [1, 'two', null, { three: true }], 'dotted.key': 1, $dollar: 2 };
    assert.deepEqual(await writer.insertMany('c', [{ _id: 'a', at, nested }, { _id: 'b' }]), []);
    assert.deepEqual(await find('c', 'a'), { _id: 'a', at, nested });
    assert.equal(await count('c'), 2);
  });

  it('does nothing for an empty array', async ({ writer, count }) => {
    assert.deepEqual(await writer.insertMany('c', []), []);
    assert.equal(await count('c'), 0);
  });

  it('stores ten thousand documents of one call', async ({ writer, count }) => {
    const documents = Array.from({ length: 10_000 }, (_, index) => ({ _id: `id-${index}`, index }));
    assert.deepEqual(await writer.insertMany('c', documents), []);
    assert.equal(await count('c'), 10_000);
  });

  it('names the documents whose id is there already and stores the others', async ({ writer, count, find }) => {
    await writer.insertMany('c', [{ _id: 'a', first: true }]);
    const problems = await writer.insertMany('c', [{ _id: 'x' }, { _id: 'a', first: false }, { _id: 'y' }]);
    assert.deepEqual(kinds(problems), [[1, 'duplicate-id']]);
    assert.equal(await count('c'), 3);
    assert.deepEqual(await find('c', 'a'), { _id: 'a', first: true });
  });

  it('stores the first of two documents that have the same id in one array', async ({ writer, count }) => {
    assert.deepEqual(kinds(await writer.insertMany('c', [{ _id: 'a' }, { _id: 'a' }])), [[1, 'duplicate-id']]);
    assert.equal(await count('c'), 1);
  });

  it('takes an id for the same only where the database does', async ({ writer, count }) => {
    const ids = [1, '1', ':1', { a: 1, b: 2 }, { b: 2, a: 1 }, new Date(1), true, Buffer.from('1')];
    assert.deepEqual(
      await writer.insertMany(
        'c',
        ids.map((_id) => ({ _id })),
      ),
      [],
    );
    assert.deepEqual(
      kinds(
        await writer.insertMany(
          'c',
          ids.map((_id) => ({ _id })),
        ),
      ),
      ids.map((_, index) => [index, 'duplicate-id']),
    );
    assert.deepEqual(kinds(await writer.insertMany('c', [{ _id: 1n }])), [[0, 'duplicate-id']]);
    assert.equal(await count('c'), ids.length);
  });

  it('tells another unique index from the index of the ids', async ({ writer, createUniqueIndex, count }) => {
    await createUniqueIndex('c', 'number');
    await writer.insertMany('c', [{ _id: 'a', number: 1 }]);
    const text = ' index: _id_ dup key: { _id: 1 }';
    const problems = await writer.insertMany('c', [
      { _id: 'b', number: 1 },
      { _id: 'a', number: 2 },
      { _id: 'c', number: text },
      { _id: 'd', number: text },
    ]);
    assert.deepEqual(kinds(problems), [
      [0, 'conflict'],
      [1, 'duplicate-id'],
      [3, 'conflict'],
    ]);
    assert.equal(await count('c'), 2);
  });

  for (const [what, makeBad] of badDocuments()) {
    it(`refuses ${what} and stores its neighbours`, async ({ writer, count }) => {
      const problems = await writer.insertMany('c', [{ _id: 'before' }, makeBad(), { _id: 'after' }]);
      assert.deepEqual(kinds(problems), [[1, 'refused']]);
      assert.match(problems[0]?.message ?? '', /\S/);
      assert.equal(await count('c'), 2);
    });
  }

  it('judges each document of a mixed array by itself', async ({ writer, createUniqueIndex, count }) => {
    await createUniqueIndex('c', 'number');
    await writer.insertMany('c', [{ _id: 'a', number: 1 }]);
    const bad = badDocuments().map(([, makeBad]) => makeBad());
    const problems = await writer.insertMany('c', [
      ...bad,
      { _id: 'a', number: 5 },
      { _id: 'b', number: 1 },
      { _id: 'c', number: 2 },
      { _id: 'c', number: 3 },
    ]);
    assert.deepEqual(kinds(problems), [
      ...bad.map((_, index) => [index, 'refused']),
      [bad.length, 'duplicate-id'],
      [bad.length + 1, 'conflict'],
      [bad.length + 3, 'duplicate-id'],
    ]);
    assert.equal(await count('c'), 2);
  });

  it('refuses every document for a collection that cannot be', async ({ writer }) => {
    for (const collection of ['', 'a$b', 'a\0b', 'system.x']) {
      const problems = await writer.insertMany(collection, [{ _id: 1 }, { _id: 2 }]);
      assert.deepEqual(
        kinds(problems),
        [
          [0, 'refused'],
          [1, 'refused'],
        ],
        collection,
      );
    }
  });

  it('leaves the caller’s documents as they were', async ({ writer }) => {
    const document = Object.freeze({ _id: 'a', inner: Object.freeze({ list: Object.freeze([1]) }) });
    assert.deepEqual(await writer.insertMany('c', [document]), []);
    assert.deepEqual(Object.keys(document), ['_id', 'inner']);
  });

  it('says unknown while it is away, and takes the same array when it is back', async (bench) => {
    const { store, writer, count } = bench;
    const documents = [{ _id: 'a' }, { _id: 'b' }];
    await writer.insertMany('c', [{ _id: 'warm' }]);
    await bench.goAway();
    await assert.rejects(writer.insertMany('c', documents), (error) => isRuntimeError(error, 'E_STORE_UNKNOWN'));
    await assert.rejects(store.ping(), (error) => isRuntimeError(error, 'E_STORE_UNREACHABLE'));
    assert.equal(store.health().state, 'away');
    assert.match(store.health().reason ?? '', /\S/);
    await bench.comeBack();
    await store.ping();
    assert.equal(store.health().state, 'connected');
    const problems = await writer.insertMany('c', documents);
    assert.ok(problems.every(({ kind }) => kind === 'duplicate-id'));
    assert.equal(await count('c'), 3);
  });

  it('keeps what several writers insert at once', async ({ store, writer, count }) => {
    const other = await openWriterOf(store);
    const write = (from: StoreWriter, prefix: string): Promise<unknown>[] =>
      Array.from({ length: 5 }, (_, nth) =>
        from.insertMany('c', [{ _id: `${prefix}${nth}` }, { _id: `${prefix}${nth}+` }]),
      );
    await Promise.all([...write(writer, 'a'), ...write(other, 'b'), ...write(writer, 'c')]);
    await other.close();
    assert.equal(await count('c'), 30);
  });

  it('carries the effects of tasks, once however often they are written', async ({ writer, count, find }) => {
    const effects = new EffectWriter(writer);
    const batch = [
      {
        index: 0,
        task: 'store',
        taskId: 't0',
        effects: [insertOne('c', { n: 0 }), insertOne('c', { n: 1 }), insertOne('d', { n: 2 })],
      },
      { index: 1, task: 'store', taskId: 't1', effects: [insertOne('c', { _id: 'mine' })] },
      { index: 2, task: 'store', taskId: 't0', effects: [insertOne('c', { n: 0 })] },
    ];
    assert.deepEqual(await effects.write(batch), []);
    assert.deepEqual(
      (await effects.write(batch)).map(({ index, error }) => [index, error.code]),
      [[1, 'E_STORE_CONFLICT']],
    );
    assert.equal(await count('c'), 3);
    assert.deepEqual(await find('c', 't0:1'), { _id: 't0:1', n: 1 });
    assert.deepEqual(await find('d', 't0:2'), { _id: 't0:2', n: 2 });
  });
}

/** Documents that no store can hold, each made anew because some are large. */
function badDocuments(): readonly (readonly [string, () => StoreDocument])[] {
  return [
    ['a document over 16 MiB', () => ({ _id: 'big', text: 'x'.repeat(16 * 1024 * 1024) })],
    ['a document far over 16 MiB', () => ({ _id: 'huge', texts: Array<string>(3).fill('x'.repeat(16 * 1024 * 1024)) })],
    ['a document that contains itself', () => cyclic({ _id: 'cyclic' })],
    ['a key with a NUL', () => ({ _id: 'nul', 'a\0b': 1 })],
    [
      'a getter that throws',
      () => ({
        _id: 'getter',
        get broken() {
          throw new Error('broken');
        },
      }),
    ],
    ['an id that is an array', () => ({ _id: ['a'] })],
    ['an id that is a pattern', () => ({ _id: /a/ })],
  ];
}

function cyclic(document: StoreDocument & { self?: unknown }): StoreDocument {
  document.self = document;
  return document;
}

function kinds(problems: readonly InsertProblem[]): [number, string][] {
  return problems.map(({ index, kind }): [number, string] => [index, kind]);
}

export async function startStoreBench(
  context: TestContext,
  makeFixture: () => Promise<StoreFixture>,
): Promise<StoreBench> {
  const fixture = await makeFixture();
  context.after(async () => {
    await fixture.store.stop();
    assert.equal(fixture.store.health().state, 'stopped');
    await fixture.remove();
  });
  await fixture.store.start();
  const writer = await openWriterOf(fixture.store);
  context.after(() => writer.close());
  return { ...fixture, writer };
}

/** Opens a writer as a thread does. */
export async function openWriterOf(store: Store): Promise<StoreWriter> {
  const { module, config } = store.writerSpec();
  const { openWriter } = (await import(module)) as { openWriter(config: unknown): Promise<StoreWriter> };
  return openWriter(structuredClone(config));
}
