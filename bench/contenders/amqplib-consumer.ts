/** amqplib's channel with `consume`, one ack for all that a turn has handled: about the fastest that it can be used. */
import amqplib from 'amqplib';
import type { Signature } from '../harness/message-source.ts';
import { AcksATurn } from './acks-a-turn.ts';
import type { ContenderJob, RunningContender } from './contender.ts';
import { LibraryWorker } from './library-worker.ts';

export async function start(job: ContenderJob): Promise<RunningContender> {
  const worker = await LibraryWorker.open(job);
  const connection = await amqplib.connect(job.amqpUrl);
  const channel = await connection.createChannel();
  await channel.prefetch(worker.prefetch);
  const acks = new AcksATurn<amqplib.ConsumeMessage>((last) => channel.ack(last, true));
  await channel.consume(job.queue, (message) => {
    if (message === null) throw new Error(`the broker cancelled the consumer of ${job.queue}`);
    worker.handle(JSON.parse(message.content.toString()) as Signature);
    acks.handled(message);
  });
  return worker.running(channel, connection);
}
