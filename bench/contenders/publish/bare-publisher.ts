/** What the broker takes from Node: preformed blocks into which only the ids are written, 250 messages a write. */
import { BlockPublisher } from '../../harness/block-publisher.ts';
import { measurePublishing, type OpenPublisher, windowOf } from '../../harness/measure-publishing.ts';
import { PublishBlock } from '../../harness/publish-block.ts';
import type { ContenderJob, ContenderModule } from '../contender.ts';

async function open(job: ContenderJob): Promise<OpenPublisher> {
  const window = windowOf(job);
  const publisher = await BlockPublisher.open(job.amqpUrl);
  const block = new PublishBlock({ ...job, mandatory: true });
  const { messages } = job;
  return {
    publish: (_, onProgress) => publisher.publish({ block, messages, window, onProgress }),
    close: () => publisher.close(),
  };
}

export const start: ContenderModule['start'] = measurePublishing(open);
