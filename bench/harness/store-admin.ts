/** The bench's own database: emptied before each contender, counted after it, removed at the end. */
import { type Collection, MongoClient } from 'mongodb';
import { indexOf } from './message-source.ts';

export const DATABASE = 'millrace_bench';
export const COLLECTION = 'records';

export interface StoredSummary {
  readonly documents: number;
  /** Messages that have their document. */
  readonly distinct: number;
}

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
    const seen = new Uint8Array(messages);
    let documents = 0;
    let distinct = 0;
    for await (const { _id } of collection.find({}, { projection: { _id: 1 }, batchSize: READ_BATCH })) {
      documents++;
      const index = indexOf(seed, _id);
      if (index < 0 || index >= messages || seen[index] === 1) continue;
      seen[index] = 1;
      distinct++;
    }
    await this.#checkShape(collection);
    return { documents, distinct };
  }

  async remove(): Promise<void> {
    await this.#client.db(DATABASE).dropDatabase();
    await this.#client.close();
  }

  /** Contenders are comparable only if they write the same documents. */
  async #checkShape(collection: Collection<StoredDocument>): Promise<void> {
    const document = await collection.findOne({});
    if (document === null) return;
    const keys = Object.keys(document).sort().join(',');
    if (keys === '_id,args,at' && document.at instanceof Date && Array.isArray(document.args)) return;
    throw new Error(`the contender wrote documents of another shape: ${JSON.stringify(document).slice(0, 300)}`);
  }

  #collection(): Collection<StoredDocument> {
    return this.#client.db(DATABASE).collection<StoredDocument>(COLLECTION);
  }
}
