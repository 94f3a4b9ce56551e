/** The limit of the cpu scenario: threads that do the same work in a loop, without a queue, a batch or an ack. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { nowMs } from '../harness/clock.ts';
import { ThreadTimes } from '../harness/thread-times.ts';
import type { ContenderJob, ForeignReport, RunningContender } from './contender.ts';

export interface BareShare {
  readonly job: ContenderJob;
  readonly from: number;
  readonly to: number;
}

/** Resolves when all have loaded. */
async function open(job: ContenderJob, threads: number): Promise<Worker[]> {
  const workers = Array.from({ length: threads }, (_, nth) => {
    const [from, to] = [nth, nth + 1].map((n) => Math.floor((job.messages * n) / threads)) as [number, number];
    const workerData: BareShare = { job, from, to };
    return new Worker(new URL('./bare-threads.thread.js', import.meta.url), { workerData });
  });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  return workers;
}

async function loop(job: ContenderJob, workers: readonly Worker[], times: ThreadTimes): Promise<ForeignReport> {
  times.begin();
  const startMs = nowMs();
  const startCpu = process.cpuUsage();
  const done = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage('go');
  await Promise.all(done);
  const cpu = process.cpuUsage(startCpu);
  const endMs = nowMs();
  times.end();
  const busy = times.share === undefined ? {} : { threadsBusy: times.share };
  return { startMs, endMs, cpuMicros: cpu.user + cpu.system, acked: job.messages, ...busy };
}

export async function start(job: ContenderJob): Promise<RunningContender> {
  const times = new ThreadTimes();
  const workers = await open(job, job.threads === 'auto' ? 1 : job.threads);
  return {
    foreign: { acked: () => 0, report: loop(job, workers, times) },
    latency: () => undefined,
    async stop() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
