/** What all contenders that are millrace do, wherever broker and store are. */
import { setEnvironmentData } from 'node:worker_threads';
import type { RuntimeOptions } from '../../src/index.ts';
import { millrace } from './built-package.ts';
import type { ContenderJob, RunningContender } from './contender.ts';

export async function runMillrace(
  job: ContenderJob,
  servers: Pick<RuntimeOptions, 'broker' | 'store'>,
): Promise<RunningContender> {
  setEnvironmentData('millrace.bench.job', { ...job });
  const { batching, credit } = job.options ?? {};
  const runtime = await millrace.startRuntime({
    ...servers,
    tasks: new URL('./millrace-tasks.js', import.meta.url),
    queues: [job.queue],
    ...(job.prefetch === 'auto' ? {} : { prefetch: job.prefetch }),
    ...(job.threads === 'auto' ? {} : { threads: job.threads }),
    batching: { target: job.batch, ...batching },
    ...(credit === undefined ? {} : { credit }),
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
