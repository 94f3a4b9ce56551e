import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { once, remove, update } from '../support/once-tasks.ts';
import { exerciseService } from './exercise-service.ts';
import { exerciseStore, openWriterOf, type StoreFixture } from './exercise-store.ts';
import { exerciseStoreOnce } from './exercise-store-once.ts';

exerciseService('memory store', () => new MemoryStore());

async function makeFixture(): Promise<StoreFixture> {
  const store = new MemoryStore({ writeTimeoutMs: 2_000 });
  return {
    store,
    count: async (collection) => store.count(collection),
    find: async (collection, id) => store.find(collection, id),
    createUniqueIndex: async (collection, field) => store.createUniqueIndex(collection, field),
    goAway: async () => store.goAway(),
    comeBack: async () => store.comeBack(),
    remove: async () => {},
  };
}

exerciseStore('memory store', makeFixture);
exerciseStoreOnce('memory store', makeFixture);

test('memory store: what was written while answers were lost is there already when it is written again', async (context) => {
  const store = new MemoryStore();
  await store.start();
  context.after(() => store.stop());
  const writer = await openWriterOf(store);
  context.after(() => writer.close());
  store.goAway('answers-lost');
  await assert.rejects(writer.insertMany('c', [{ _id: 'a' }]), (error) => isRuntimeError(error, 'E_STORE_UNKNOWN'));
  store.comeBack();
  assert.equal((await writer.insertMany('c', [{ _id: 'a' }]))[0]?.kind, 'duplicate-id');
  assert.deepEqual([...store.ids('c')], ['a']);
});

test('memory store: what was applied while answers were lost is not applied again', async (context) => {
  const store = new MemoryStore();
  await store.start();
  context.after(() => store.stop());
  const writer = await openWriterOf(store);
  context.after(() => writer.close());
  const task = once('t', update('c', { _id: 'x' }, { $inc: { n: 1 } }, true));
  store.goAway('answers-lost');
  await assert.rejects(writer.applyOnce([task]), (error) => isRuntimeError(error, 'E_STORE_UNKNOWN'));
  assert.equal(store.find('c', 'x')?.['n'], 1);
  store.comeBack();
  assert.deepEqual(await writer.applyOnce([task]), []);
  assert.equal(store.find('c', 'x')?.['n'], 1);
});

test('memory store: a task that it no longer remembers is applied again', async (context) => {
  const store = new MemoryStore({ effectMemoryMs: 0 });
  await store.start();
  context.after(() => store.stop());
  const writer = await openWriterOf(store);
  context.after(() => writer.close());
  const task = once('t', update('c', { _id: 'x' }, { $inc: { n: 1 } }, true));
  for (let times = 0; times < 3; times++) assert.deepEqual(await writer.applyOnce([task]), []);
  assert.equal(store.find('c', 'x')?.['n'], 3);
});

test('memory store: what is under way when it stops answers nobody', async () => {
  const store = new MemoryStore({ writeTimeoutMs: 50 });
  await store.start();
  const writer = await openWriterOf(store);
  const applying = writer.applyOnce([once('t', remove('c', { _id: 'x' }))]);
  await store.stop();
  await assert.rejects(applying, (error) => isRuntimeError(error, 'E_STORE_UNKNOWN'));
  await writer.close();
});

test('memory store: a writer whose store has stopped gives up after its time', async (context) => {
  const store = new MemoryStore({ writeTimeoutMs: 20 });
  await store.start();
  const writer = await openWriterOf(store);
  context.after(() => writer.close());
  await store.stop();
  await assert.rejects(writer.insertMany('c', [{ _id: 'a' }]), (error) => isRuntimeError(error, 'E_STORE_UNKNOWN'));
});

test('memory store: a writer that is closed leaves nobody waiting', async () => {
  const store = new MemoryStore();
  const writer = await openWriterOf(store); // never started: nobody answers
  const writing = writer.insertMany('c', [{ _id: 'a' }]);
  await writer.close();
  await assert.rejects(writing, (error) => isRuntimeError(error, 'E_STORE_UNKNOWN'));
});

test('memory store: neither the store nor a writer keeps a process alive, and a write that waits does', () => {
  const modules = new URL('../../src/store/memory/', import.meta.url);
  const script = `
    import { MemoryStore } from '${new URL('memory-store.ts', modules).href}';
    import { openWriter } from '${new URL('memory-writer.ts', modules).href}';
    const store = new MemoryStore();
    await store.start();
    const writer = await openWriter(store.writerSpec().config);
    await writer.insertMany('c', [{ _id: 1 }]);
    console.log(store.count('c'));`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
  assert.deepEqual([child.stdout, child.stderr, child.status], ['1\n', '', 0]);
});
