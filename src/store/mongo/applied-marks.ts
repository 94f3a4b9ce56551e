import { type ClientSession, type Collection, type Db, MongoServerError } from 'mongodb';
import type { OnceTask } from '../store.ts';

/** The collection that says which tasks have been applied: `{ _id: <task id>, at: <when> }`. */
export const MARKS_COLLECTION = 'millrace.applied';

interface Mark {
  readonly _id: string;
  readonly at: Date;
}

/** IndexOptionsConflict, IndexKeySpecsConflict: the index is there with another time. */
const INDEX_DIFFERS = new Set<unknown>([85, 86]);

/**
 * The marks of applied tasks. The server removes old ones, by an index that the first use in each thread sees to.
 *
 * Without that index (no permission, say) everything works, but each call tries again, and the marks stay for ever.
 * Cost: one small document a task; one or two more requests at a thread's first use.
 */
export class AppliedMarks {
  readonly #memorySeconds: number;
  #prepared = false;

  /** @param memoryMs - how long marks are kept */
  constructor(memoryMs: number) {
    this.#memorySeconds = Math.ceil(memoryMs / 1_000);
  }

  /** Sees to the index, and so to the collection: made inside of a transaction, it would block every other first one. */
  async prepare(db: Db): Promise<void> {
    if (this.#prepared) return;
    try {
      await keepFor(db, this.#memorySeconds);
      this.#prepared = true;
    } catch (thrown) {
      if (!(thrown instanceof MongoServerError)) throw thrown; // no answer: nothing else would get one now
    }
  }

  /** The tasks that have no mark yet, as of the session's transaction. */
  async without(db: Db, tasks: readonly OnceTask[], session: ClientSession): Promise<readonly OnceTask[]> {
    const ids = tasks.map(({ id }) => id);
    const found = await marksOf(db)
      .find({ _id: { $in: ids } }, { session, projection: { _id: 1 }, batchSize: ids.length + 1 })
      .toArray();
    if (found.length === 0) return tasks;
    const applied = new Set(found.map(({ _id }) => _id));
    return tasks.filter(({ id }) => !applied.has(id));
  }

  async add(db: Db, tasks: readonly OnceTask[], session: ClientSession): Promise<void> {
    const at = new Date();
    await marksOf(db).insertMany(
      tasks.map(({ id }) => ({ _id: id, at })),
      { session, ordered: true },
    );
  }
}

function marksOf(db: Db): Collection<Mark> {
  return db.collection<Mark>(MARKS_COLLECTION);
}

async function keepFor(db: Db, expireAfterSeconds: number): Promise<void> {
  try {
    await marksOf(db).createIndex({ at: 1 }, { expireAfterSeconds });
  } catch (thrown) {
    if (!(thrown instanceof MongoServerError) || !INDEX_DIFFERS.has(thrown.code)) throw thrown;
    await db.command({ collMod: MARKS_COLLECTION, index: { keyPattern: { at: 1 }, expireAfterSeconds } });
  }
}
