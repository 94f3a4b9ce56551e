/** Celery on RabbitMQ (python/celery_worker.py), on the same queue as the others, with messages in its own protocol. */
import { fileURLToPath } from 'node:url';
import { signatureAt, TASK_NAME } from '../harness/message-source.ts';
import type { ContenderJob, RunningContender } from './contender.ts';
import { startProgram } from './foreign-program.ts';

/** In the sources: Python runs it as it is. From bench/.build/contenders. */
const WORKER = fileURLToPath(new URL('../../contenders/python/celery_worker.py', import.meta.url));
const DEFAULT_PREFETCH = 2000;

export async function start(job: ContenderJob): Promise<RunningContender> {
  if (job.python === undefined) throw new Error('celery needs a Python that has it');
  const order = {
    url: job.amqpUrl,
    queue: job.queue,
    queueType: job.queueType,
    messages: job.messages,
    prefetch: job.prefetch === 'auto' ? DEFAULT_PREFETCH : job.prefetch,
    processes: job.concurrency ?? 1,
    name: TASK_NAME,
    value: signatureAt(job.seed, 0).Args[0]?.Value,
  };
  return startProgram(job.python, [WORKER, JSON.stringify(order)]);
}
