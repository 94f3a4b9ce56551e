/** rabbitmq-client one layer lower: a Channel and its basicConsume, with one ack for all that a turn has handled. */
import { Connection } from 'rabbitmq-client';
import type { Signature } from '../harness/message-source.ts';
import { AcksATurn } from './acks-a-turn.ts';
import type { ContenderJob, RunningContender } from './contender.ts';
import { LibraryWorker } from './library-worker.ts';

export async function start(job: ContenderJob): Promise<RunningContender> {
  const worker = await LibraryWorker.open(job);
  const connection = new Connection(job.amqpUrl);
  const channel = await connection.acquire();
  await channel.basicQos({ prefetchCount: worker.prefetch });
  const acks = new AcksATurn<number>((deliveryTag) => channel.basicAck({ deliveryTag, multiple: true }));
  await channel.basicConsume({ queue: job.queue }, ({ body, deliveryTag }) => {
    worker.handle(body as Signature);
    acks.handled(deliveryTag);
  });
  return worker.running(channel, connection);
}
