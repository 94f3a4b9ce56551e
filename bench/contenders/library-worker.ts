/** What the hand-written consumers on client libraries have in common: the work, done the way people write it first. */
import { type Collection, MongoClient } from 'mongodb';
import { openHandledLedger } from '../harness/handled-ledger.ts';
import { LatencyRecorder } from '../harness/latency-recorder.ts';
import type { Signature } from '../harness/message-source.ts';
import type { ContenderJob } from './contender.ts';

export const LIBRARY_PREFETCH = 2000;

interface RecordDocument {
  _id: string;
  at: Date;
  args: Signature['Args'];
}

export class LibraryWorker {
  readonly latency: LatencyRecorder = new LatencyRecorder();
  readonly prefetch: number;
  readonly #count: (signature: Signature) => void = openHandledLedger();
  readonly #client: MongoClient | undefined;
  readonly #collection: Collection<RecordDocument> | undefined;

  private constructor(job: ContenderJob, client: MongoClient | undefined) {
    this.prefetch = job.prefetch === 'auto' ? LIBRARY_PREFETCH : job.prefetch;
    this.#client = client;
    this.#collection = job.store && client?.db(job.store.database).collection<RecordDocument>(job.store.collection);
  }

  static async open(job: ContenderJob): Promise<LibraryWorker> {
    const client = job.store === undefined ? undefined : new MongoClient(job.store.url);
    await client?.connect();
    return new LibraryWorker(job, client);
  }

  get writes(): boolean {
    return this.#collection !== undefined;
  }

  /** The task that does nothing. */
  handle(signature: Signature): void {
    this.#count(signature);
  }

  /** The task that writes: one insertOne a message; the driver's pool lets 100 of them run at once. */
  async insert(signature: Signature): Promise<void> {
    this.#count(signature);
    await this.#collection?.insertOne({ _id: signature.UUID, at: new Date(), args: signature.Args });
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }
}
