import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { exerciseService } from './exercise-service.ts';
import { exerciseStore, openWriterOf } from './exercise-store.ts';

exerciseService('memory store', () => new MemoryStore());

exerciseStore('memory store', async () => {
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
});

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
