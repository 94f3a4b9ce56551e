/** What people write first: amqplib, one insertOne a message, and its ack once that is stored. */
import amqplib from 'amqplib';
import type { Signature } from '../harness/message-source.ts';
import type { ContenderJob, RunningContender } from './contender.ts';
import { LibraryWorker } from './library-worker.ts';

export async function start(job: ContenderJob): Promise<RunningContender> {
  const worker = await LibraryWorker.open(job);
  const connection = await amqplib.connect(job.amqpUrl);
  const channel = await connection.createChannel();
  await channel.prefetch(worker.prefetch);
  const take = async (message: amqplib.ConsumeMessage | null): Promise<void> => {
    const readAt = performance.now();
    if (message === null) throw new Error(`the broker cancelled the consumer of ${job.queue}`);
    await worker.insert(JSON.parse(message.content.toString()) as Signature);
    channel.ack(message);
    worker.latency.record(performance.now() - readAt);
  };
  // what rejects ends the process: the harness reports what was handled up to there
  await channel.consume(job.queue, (message) => void take(message));
  return worker.running(channel, connection);
}
