/**
 * A consumer as the documentation of rabbitmq-client shows it: `createConsumer` with a handler, which the library
 * acknowledges message by message when it has resolved. It parses JSON bodies itself.
 */
import { Connection } from 'rabbitmq-client';
import type { Signature } from '../harness/message-source.ts';
import type { ContenderJob, RunningContender } from './contender.ts';
import { LibraryWorker } from './library-worker.ts';
import { settleAcks } from './settle-acks.ts';

export async function start(job: ContenderJob): Promise<RunningContender> {
  const worker = await LibraryWorker.open(job);
  const connection = new Connection(job.amqpUrl);
  const settings = { queue: job.queue, queueOptions: { passive: true }, qos: { prefetchCount: worker.prefetch } };
  const consumer = connection.createConsumer(settings, async ({ body }) => {
    const readAt = performance.now();
    if (worker.writes) await worker.insert(body as Signature);
    else worker.handle(body as Signature);
    worker.latency.record(performance.now() - readAt);
  });
  await new Promise<void>((resolve, reject) => {
    consumer.once('ready', resolve);
    consumer.once('error', reject);
  });
  consumer.on('error', (error: unknown) => {
    throw error; // ends the process: the harness reports what was handled up to here
  });
  return worker.running({ close: settleAcks }, consumer, connection);
}
