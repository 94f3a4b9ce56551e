import { MongoStore } from '../../src/store/mongo/mongo-store.ts';
import { createMongoDatabase } from '../support/mongo-database.ts';
import { mongoUrl, needs } from '../support/servers.ts';
import { exerciseService } from './exercise-service.ts';
import { exerciseStore, type StoreFixture } from './exercise-store.ts';
import { exerciseStoreOnce } from './exercise-store-once.ts';

exerciseService('MongoDB store', () => new MongoStore({ url: mongoUrl as string }), { ...needs(mongoUrl), rounds: 4 });

async function makeFixture(): Promise<StoreFixture> {
  const { url, db, proxy, remove } = await createMongoDatabase();
  return {
    store: new MongoStore({ url, writeTimeoutMs: 8_000, pingTimeoutMs: 1_000 }),
    count: async (collection) => db.collection(collection).countDocuments(),
    find: async (collection, id) => (await db.collection(collection).findOne({ _id: id as never })) ?? undefined,
    createUniqueIndex: async (collection, field) => {
      await db.collection(collection).createIndex({ [field]: 1 }, { unique: true });
    },
    goAway: async () => proxy.goDown(),
    comeBack: async () => proxy.resume(),
    remove,
  };
}

exerciseStore('MongoDB store', makeFixture, needs(mongoUrl));
exerciseStoreOnce('MongoDB store', makeFixture, needs(mongoUrl));
