/** The plain limit, in C (native/drain.c). */
import { targetOf } from '../harness/raw-amqp.ts';
import type { ContenderJob, RunningContender } from './contender.ts';
import { startNative } from './foreign-program.ts';

const DEFAULT_PREFETCH = 2000;
const DEFAULT_ACK_EVERY = 250;

export async function start(job: ContenderJob): Promise<RunningContender> {
  const { host, port, user, password, vhost } = targetOf(job.amqpUrl);
  const prefetch = job.prefetch === 'auto' ? DEFAULT_PREFETCH : job.prefetch;
  const ackEvery = job.batch === 'auto' ? DEFAULT_ACK_EVERY : job.batch;
  return startNative('drain', [host, port, user, password, vhost, job.queue, job.messages, prefetch, ackEvery]);
}
