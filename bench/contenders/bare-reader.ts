/**
 * The least that can do the job in one thread: read frames, JSON.parse, and ack a batch or what a socket read brought,
 * whichever is less (with batches of one: each message as it is handled); or, with a store, insertMany of what has arrived, two inserts in flight, acks in order. No batching by work, no threads, no recovery:
 * a body that does not parse ends the process.
 */
import { type Collection, MongoClient } from 'mongodb';
import { openHandledLedger } from '../harness/handled-ledger.ts';
import { LatencyRecorder } from '../harness/latency-recorder.ts';
import type { Signature } from '../harness/message-source.ts';
import {
  long,
  longLong,
  METHOD,
  method,
  methodId,
  RawConnection,
  short,
  shortString,
  tagAt,
  targetOf,
} from '../harness/raw-amqp.ts';
import type { ContenderJob, RunningContender } from './contender.ts';
import { documentOf, type RecordDocument } from './record-document.ts';
import { settleAcks } from './settle-acks.ts';

const DEFAULT_PREFETCH = 2000;
const DEFAULT_BATCH = 250;
const INSERTS_IN_FLIGHT = 2;

class BareReader {
  readonly latency: LatencyRecorder = new LatencyRecorder();
  readonly #connection: RawConnection;
  readonly #collection: Collection<RecordDocument> | undefined;
  readonly #batch: number;
  readonly #record: (signature: Signature) => void = openHandledLedger();
  #tag = 0;
  #bodyBytes = 0;
  #parts: Buffer[] = [];
  #acked = 0;
  #documents: RecordDocument[] = [];
  #oldestReadAt = 0;
  #inFlight = 0;
  #acks: Promise<void> = Promise.resolve();

  constructor(connection: RawConnection, collection: Collection<RecordDocument> | undefined, batch: number) {
    this.#connection = connection;
    this.#collection = collection;
    this.#batch = batch;
  }

  method(id: number, source: Buffer, from: number): void {
    if (id !== METHOD.deliver) return;
    this.#tag = tagAt(source, from + 1 + (source[from] ?? 0));
  }

  header(source: Buffer, from: number): void {
    this.#bodyBytes = source.readUInt32BE(from + 8);
  }

  body(source: Buffer, from: number, to: number): void {
    this.#bodyBytes -= to - from;
    if (this.#bodyBytes > 0 || this.#parts.length > 0) this.#parts.push(Buffer.from(source.subarray(from, to)));
    if (this.#bodyBytes > 0) return;
    const text = this.#parts.length > 0 ? Buffer.concat(this.#parts).toString() : source.toString('utf8', from, to);
    this.#parts = [];
    const signature = JSON.parse(text) as Signature;
    this.#record(signature);
    if (this.#collection === undefined) {
      if (this.#tag - this.#acked >= this.#batch) this.#ackHandled();
      return;
    }
    if (this.#documents.length === 0) this.#oldestReadAt = performance.now();
    this.#documents.push(documentOf(signature));
  }

  readEnded(): void {
    if (this.#collection !== undefined) return this.#insert(this.#collection);
    this.#ackHandled();
  }

  #ackHandled(): void {
    this.latency.record(0, this.#tag - this.#acked);
    this.#ack(this.#tag);
  }

  #insert(collection: Collection<RecordDocument>): void {
    while (this.#documents.length > 0 && this.#inFlight < INSERTS_IN_FLIGHT) {
      const documents = this.#documents.splice(0, this.#batch);
      const last = this.#tag - this.#documents.length;
      const readAt = this.#oldestReadAt;
      this.#oldestReadAt = performance.now();
      this.#inFlight++;
      const inserted = collection.insertMany(documents, { ordered: false });
      this.#acks = Promise.all([this.#acks, inserted]).then(() => {
        this.latency.record(performance.now() - readAt, documents.length);
        this.#inFlight--;
        this.#ack(last);
        this.#insert(collection);
      });
    }
  }

  #ack(tag: number): void {
    if (tag === this.#acked) return;
    this.#acked = tag;
    this.#connection.write(method(1, METHOD.ack, longLong(tag), Buffer.from([1])));
  }
}

export async function start(job: ContenderJob): Promise<RunningContender> {
  const client =
    job.store === undefined ? undefined : new MongoClient(job.store.url, { maxPoolSize: INSERTS_IN_FLIGHT });
  await client?.connect();
  const collection = job.store && client?.db(job.store.database).collection<RecordDocument>(job.store.collection);
  const connection = await RawConnection.open(targetOf(job.amqpUrl));
  connection.failed.catch((error: unknown) => {
    throw error; // ends the process: the harness reports what was handled up to here
  });
  const reader = new BareReader(connection, collection, job.batch === 'auto' ? DEFAULT_BATCH : job.batch);
  connection.sink = reader;
  const prefetch = job.prefetch === 'auto' ? DEFAULT_PREFETCH : job.prefetch;
  await connection.call(METHOD.qosOk, method(1, methodId(60, 10), long(0), short(prefetch), Buffer.from([0])));
  const consume = [short(0), shortString(job.queue), shortString(''), Buffer.from([0]), long(0)];
  await connection.call(METHOD.consumeOk, method(1, methodId(60, 20), ...consume));
  return {
    latency: () => reader.latency.snapshot(),
    async stop() {
      if (job.batch === 1) await settleAcks();
      await connection.close();
      await client?.close();
    },
  };
}
