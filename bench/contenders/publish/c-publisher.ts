/** What the broker takes from C (native/publish.c): the blocks of the bare publisher, the ids written by C. */
import { windowOf } from '../../harness/measure-publishing.ts';
import { PublishBlock } from '../../harness/publish-block.ts';
import { targetOf } from '../../harness/raw-amqp.ts';
import type { ContenderJob, RunningContender } from '../contender.ts';
import { startNative } from '../foreign-program.ts';

export async function start(job: ContenderJob): Promise<RunningContender> {
  const { host, port, user, password, vhost } = targetOf(job.amqpUrl);
  const { bytes, ids } = new PublishBlock({ ...job, mandatory: true }).template;
  const order = [job.messages, windowOf(job), job.seed, bytes.toString('hex'), ...ids];
  return startNative('publish', [host, port, user, password, vhost, ...order]);
}
