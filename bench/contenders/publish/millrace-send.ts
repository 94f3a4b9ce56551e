/** The product: `sendMany` of a client from the built package. Ids are its own, time-ordered and made for each message. */
import { measurePublishing, type OpenPublisher, windowOf } from '../../harness/measure-publishing.ts';
import { TASK_NAME } from '../../harness/message-source.ts';
import { millrace } from '../built-package.ts';
import type { ContenderJob, ContenderModule } from '../contender.ts';

async function open(job: ContenderJob): Promise<OpenPublisher> {
  const client = await millrace.createClient({ broker: job.amqpUrl, queue: job.queue, window: windowOf(job) });
  return {
    async publish(payloads) {
      await client.sendMany(TASK_NAME, payloads);
    },
    close: () => client.close(),
  };
}

export const start: ContenderModule['start'] = measurePublishing(open);
