import { MongoStore } from '../../src/store/mongo/mongo-store.ts';
import { createMongoDatabase } from '../support/mongo-database.ts';
import { mongoUrl, needs } from '../support/servers.ts';
import { exerciseService } from './exercise-service.ts';
import { exerciseStore } from './exercise-store.ts';

exerciseService('MongoDB store', () => new MongoStore({ url: mongoUrl as string }), { ...needs(mongoUrl), rounds: 4 });

exerciseStore(
  'MongoDB store',
  async () => {
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
  },
  needs(mongoUrl),
);
