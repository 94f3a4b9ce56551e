/** The database's share of the limit in the mongo scenario: the same documents in batches, as fast as they go, no queue. */
import { type Collection, MongoClient } from 'mongodb';
import { nowMs } from '../harness/clock.ts';
import { openHandledLedger } from '../harness/handled-ledger.ts';
import { signatureAt } from '../harness/message-source.ts';
import type { ContenderJob, ForeignRun, RunningContender } from './contender.ts';
import { documentOf, type RecordDocument } from './record-document.ts';

const DEFAULT_BATCH = 250;
/** As a thread of millrace has by default. */
const CONNECTIONS = 2;
/** As millrace gives with each write. */
const WRITES = { ordered: false, writeConcern: { w: 'majority', journal: true } } as const;

/** Each loop, one a connection, takes the next batch when its last one is stored. */
function insertAll(job: ContenderJob, collection: Collection<RecordDocument>): ForeignRun {
  const count = openHandledLedger();
  const batch = job.batch === 'auto' ? DEFAULT_BATCH : job.batch;
  let next = 0;
  let stored = 0;
  const loop = async (): Promise<void> => {
    while (next < job.messages) {
      const documents: RecordDocument[] = [];
      for (const end = Math.min(next + batch, job.messages); next < end; next++) {
        const signature = signatureAt(job.seed, next);
        count(signature);
        documents.push(documentOf(signature));
      }
      await collection.insertMany(documents, WRITES);
      stored += documents.length;
    }
  };
  const startMs = nowMs();
  const startCpu = process.cpuUsage();
  const report = Promise.all(Array.from({ length: CONNECTIONS }, loop)).then(() => {
    const cpu = process.cpuUsage(startCpu);
    return { startMs, endMs: nowMs(), cpuMicros: cpu.user + cpu.system, acked: stored };
  });
  return { acked: () => stored, report };
}

export async function start(job: ContenderJob): Promise<RunningContender> {
  if (job.store === undefined) throw new Error('insert-many needs a database');
  const client = new MongoClient(job.store.url, { maxPoolSize: CONNECTIONS });
  await client.connect();
  const collection = client.db(job.store.database).collection<RecordDocument>(job.store.collection);
  return {
    foreign: insertAll(job, collection),
    latency: () => undefined,
    stop: () => client.close(),
  };
}
