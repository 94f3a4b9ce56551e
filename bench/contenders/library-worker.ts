/** What the hand-written consumers on client libraries have in common: the work, done the way people write it first. */
import { type Collection, MongoClient } from 'mongodb';
import { openHandledLedger } from '../harness/handled-ledger.ts';
import { LatencyRecorder } from '../harness/latency-recorder.ts';
import type { Signature } from '../harness/message-source.ts';
import type { ContenderJob, RunningContender } from './contender.ts';
import { documentOf, type RecordDocument } from './record-document.ts';

/** Whatever of a library has to be closed. */
interface Closable {
  close(): Promise<unknown>;
}

const DEFAULT_PREFETCH = 2000;

export class LibraryWorker {
  readonly latency: LatencyRecorder = new LatencyRecorder();
  readonly prefetch: number;
  readonly #count: (signature: Signature) => void = openHandledLedger();
  readonly #client: MongoClient | undefined;
  readonly #collection: Collection<RecordDocument> | undefined;

  private constructor(job: ContenderJob, client: MongoClient | undefined) {
    this.prefetch = job.prefetch === 'auto' ? DEFAULT_PREFETCH : job.prefetch;
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
    await this.#collection?.insertOne(documentOf(signature));
  }

  /** @param parts - closed in this order when it stops, before the database */
  running(...parts: readonly Closable[]): RunningContender {
    return {
      latency: () => this.latency.snapshot(),
      stop: async () => {
        for (const part of parts) await part.close();
        await this.#client?.close();
      },
    };
  }
}
