/** The product: `startRuntime` from the built package, default options but for the settings of the run. */
import { setEnvironmentData } from 'node:worker_threads';
import { databaseUrl } from '../harness/database-url.ts';
import { millrace } from './built-package.ts';
import type { ContenderJob, RunningContender } from './contender.ts';

export async function start(job: ContenderJob): Promise<RunningContender> {
  setEnvironmentData('millrace.bench.job', { ...job });
  const { batching, store, ...options } = job.options ?? {};
  const runtime = await millrace.startRuntime({
    tasks: new URL('./millrace-tasks.js', import.meta.url),
    broker: job.amqpUrl,
    ...(job.store === undefined ? {} : { store: { url: databaseUrl(job.store.url, job.store.database), ...store } }),
    queues: [job.queue],
    ...(job.prefetch === 'auto' ? {} : { prefetch: job.prefetch }),
    ...(job.threads === 'auto' ? {} : { threads: job.threads }),
    batching: { target: job.batch, ...batching },
    ...options,
    log: { level: job.fails ? 'error' : 'warn' }, // the failures are wanted
  });
  return {
    latency() {
      const { p50Ms, p99Ms, maxMs } = runtime.stats().latency;
      return { p50: p50Ms, p99: p99Ms, max: maxMs };
    },
    stop: () => runtime.stop(),
  };
}
