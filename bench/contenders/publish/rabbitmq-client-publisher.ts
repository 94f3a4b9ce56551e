/** rabbitmq-client's publisher in confirm mode, as its documentation shows it: `send` resolves with the confirm. */
import { Connection } from 'rabbitmq-client';
import { measurePublishing, type OpenPublisher, windowOf } from '../../harness/measure-publishing.ts';
import { TASK_NAME } from '../../harness/message-source.ts';
import type { ContenderJob, ContenderModule } from '../contender.ts';
import { withinWindow } from './within-window.ts';

async function open(job: ContenderJob): Promise<OpenPublisher> {
  const window = windowOf(job);
  const connection = new Connection(job.amqpUrl);
  await connection.onConnect();
  const publisher = connection.createPublisher({ confirm: true });
  const common = { routingKey: job.queue, durable: true, contentType: 'application/json', type: TASK_NAME };
  return {
    publish: (payloads) =>
      withinWindow(payloads, window, (payload, settled) => {
        publisher.send({ ...common, messageId: payload.UUID }, payload).then(() => settled(), settled);
      }),
    async close() {
      await publisher.close();
      await connection.close();
    },
  };
}

export const start: ContenderModule['start'] = measurePublishing(open);
