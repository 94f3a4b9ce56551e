/** The bench's own database: emptied before each contender, counted after it, removed at the end. */
import { type Collection, MongoClient } from 'mongodb';
import { checkShape, type StoredSummary, StoredTally } from './stored-tally.ts';

export const DATABASE = 'millrace_bench';
export const COLLECTION = 'records';

interface StoredDocument {
  _id: unknown;
  at: unknown;
  args: unknown;
}

const READ_BATCH = 10_000;

export class StoreAdmin {
  readonly url: string;
  readonly #client: MongoClient;

  private constructor(url: string, client: MongoClient) {
    this.url = url;
    this.#client = client;
  }

  static async open(url: string): Promise<StoreAdmin> {
    const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 });
    await client.connect();
    return new StoreAdmin(url, client);
  }

  /** Product and version; says when it is a MongoDB-compatible server and not MongoDB. */
  async server(): Promise<string> {
    const info = await this.#client.db('admin').command({ buildInfo: 1 });
    const secantus = info['secantusVersion'] as string | undefined;
    return secantus === undefined
      ? `MongoDB ${String(info['version'])}`
      : `secantusd-rs ${secantus} (compatible with MongoDB ${String(info['version'])})`;
  }

  async empty(): Promise<void> {
    await this.#client.db(DATABASE).dropDatabase();
    await this.#client.db(DATABASE).createCollection(COLLECTION);
  }

  /** Compares the ids in the collection with those filled, one by one. */
  async summarize(seed: number, messages: number): Promise<StoredSummary> {
    const collection = this.#collection();
    const tally = new StoredTally(seed, messages);
    for await (const { _id } of collection.find({}, { projection: { _id: 1 }, batchSize: READ_BATCH })) tally.take(_id);
    const document = await collection.findOne({});
    if (document !== null) checkShape(document);
    return tally.summary();
  }

  async remove(): Promise<void> {
    await this.#client.db(DATABASE).dropDatabase();
    await this.#client.close();
  }

  #collection(): Collection<StoredDocument> {
    return this.#client.db(DATABASE).collection<StoredDocument>(COLLECTION);
  }
}
