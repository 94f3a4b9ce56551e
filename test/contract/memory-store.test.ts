import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { exerciseStore } from './exercise-store.ts';

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
