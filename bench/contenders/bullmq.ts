/**
 * BullMQ's Worker on Redis, set up for speed as its documentation says: a concurrency for handlers that await nothing
 * long, finished jobs removed at once. A job is finished when Redis has acknowledged that; then it counts.
 */
import { Worker } from 'bullmq';
import { nowMs } from '../harness/clock.ts';
import { openHandledLedger } from '../harness/handled-ledger.ts';
import type { Signature } from '../harness/message-source.ts';
import type { ContenderJob, ForeignReport, RunningContender } from './contender.ts';

export async function start(job: ContenderJob): Promise<RunningContender> {
  if (job.redisUrl === undefined) throw new Error('bullmq needs a Redis');
  const count = openHandledLedger();
  const handle = async ({ data }: { readonly data: Signature }): Promise<void> => count(data);
  const worker = new Worker<Signature, void>(job.queue, handle, {
    connection: { url: job.redisUrl, maxRetriesPerRequest: null },
    concurrency: job.concurrency ?? 1,
    removeOnComplete: { count: 0 },
    autorun: false,
  });
  await worker.waitUntilReady();
  let finished = 0;
  const report = new Promise<ForeignReport>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('failed', (_, error) => reject(error));
    const startMs = nowMs();
    const startCpu = process.cpuUsage();
    worker.on('completed', () => {
      if (++finished < job.messages) return;
      const cpu = process.cpuUsage(startCpu);
      resolve({ startMs, endMs: nowMs(), cpuMicros: cpu.user + cpu.system, acked: finished });
    });
    worker.run().catch(reject);
  });
  return {
    foreign: { acked: () => finished, report },
    latency: () => undefined,
    stop: () => worker.close(),
  };
}
