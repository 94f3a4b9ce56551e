/** The product in a program of its own, with broker and store in memory: default options but for the settings of the run. */
import { setEnvironmentData } from 'node:worker_threads';
import { millrace } from './built-package.ts';
import type { ContenderJob, EmbeddedServers, RunningContender } from './contender.ts';
import { requireEmbedded } from './require-embedded.ts';

export async function start(job: ContenderJob, embedded?: EmbeddedServers): Promise<RunningContender> {
  const { broker, store } = requireEmbedded(embedded);
  setEnvironmentData('millrace.bench.job', { ...job });
  const runtime = await millrace.startRuntime({
    tasks: new URL('./millrace-tasks.js', import.meta.url),
    broker,
    ...(job.store === undefined ? {} : { store }),
    queues: [job.queue],
    ...(job.prefetch === 'auto' ? {} : { prefetch: job.prefetch }),
    ...(job.threads === 'auto' ? {} : { threads: job.threads }),
    batching: { target: job.batch },
    log: { level: 'warn' },
  });
  return {
    latency() {
      const { p50Ms, p99Ms, maxMs } = runtime.stats().latency;
      return { p50: p50Ms, p99: p99Ms, max: maxMs };
    },
    stop: () => runtime.stop(),
  };
}
