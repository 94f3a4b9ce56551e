/** The product: `startRuntime` from the built package, default options but for the settings of the run. */
import { databaseUrl } from '../harness/database-url.ts';
import type { ContenderJob, RunningContender } from './contender.ts';
import { runMillrace } from './run-millrace.ts';

export function start(job: ContenderJob): Promise<RunningContender> {
  const { amqpUrl: broker, store, options } = job;
  if (store === undefined) return runMillrace(job, { broker });
  return runMillrace(job, { broker, store: { url: databaseUrl(store.url, store.database), ...options?.store } });
}
