/** What people write first: piscina, one `run` a message with its payload, and its ack when that resolves. */
import type { Signature } from '../harness/message-source.ts';
import type { ContenderJob, EmbeddedServers, RunningContender } from './contender.ts';
import { consumingWith, openPool } from './piscina-pool.ts';
import { prefetchOf, requireEmbedded } from './require-embedded.ts';

export async function start(job: ContenderJob, embedded?: EmbeddedServers): Promise<RunningContender> {
  const { broker } = requireEmbedded(embedded);
  const pool = await openPool<Signature>(job, new URL('./piscina-each.thread.js', import.meta.url));
  await broker.start();
  let epoch = 0;
  const handle = async (tag: number, signature: Signature): Promise<void> => {
    await pool.run(signature);
    consumer.ack(epoch, tag, false);
    consumer.flush();
  };
  const consumer = await broker.consume(
    { queue: job.queue, prefetch: prefetchOf(job) },
    {
      epochOpened(opened) {
        epoch = opened;
      },
      deliver({ tag, source, bodyStart, bodyEnd }) {
        // what rejects ends the process: the harness reports what was handled up to there
        void handle(tag, JSON.parse(source.toString('utf8', bodyStart, bodyEnd)) as Signature);
      },
      readEnded() {},
      epochClosed() {},
    },
  );
  return consumingWith(pool, consumer);
}
