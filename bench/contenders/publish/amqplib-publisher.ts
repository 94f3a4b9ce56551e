/** amqplib's confirm channel with a callback for each confirm. */
import amqplib from 'amqplib';
import { measurePublishing, type OpenPublisher, windowOf } from '../../harness/measure-publishing.ts';
import { type Signature, TASK_NAME } from '../../harness/message-source.ts';
import type { ContenderJob, ContenderModule } from '../contender.ts';
import { withinWindow } from './within-window.ts';

async function open(job: ContenderJob): Promise<OpenPublisher> {
  const window = windowOf(job);
  const connection = await amqplib.connect(job.amqpUrl);
  const channel = await connection.createConfirmChannel();
  const send = (payload: Signature, settled: (error?: unknown) => void): void => {
    const body = Buffer.from(JSON.stringify(payload));
    const properties = {
      persistent: true,
      contentType: 'application/json',
      messageId: payload.UUID,
      type: TASK_NAME,
    };
    channel.publish('', job.queue, body, properties, settled);
  };
  return {
    publish: (payloads) => withinWindow(payloads, window, send),
    async close() {
      await channel.close();
      await connection.close();
    },
  };
}

export const start: ContenderModule['start'] = measurePublishing(open);
