/**
 * The baseline that a good programmer writes: piscina, messages sent by the batch, parsed in the thread, one ack a batch.
 * The fastest of what was tried: bodies parsed before they are cloned cost half as much CPU again, and one batch a thread
 * with piscina's own `atomics` was a seventh slower.
 *
 *     deliver ──▶ waiting ──(full, or a thread has nothing)──▶ run(batch) ──▶ ack of the last of it, in the order of dispatch
 */
import type { ContenderJob, EmbeddedServers, RunningContender } from './contender.ts';
import { consumingWith, openPool } from './piscina-pool.ts';
import { prefetchOf, requireEmbedded } from './require-embedded.ts';

const DEFAULT_BATCH = 500;
/** One runs while the next one waits beside it. */
const BATCHES_PER_THREAD = 2;

export async function start(job: ContenderJob, embedded?: EmbeddedServers): Promise<RunningContender> {
  const { broker } = requireEmbedded(embedded);
  const pool = await openPool<readonly string[]>(job, new URL('./piscina-batches.thread.js', import.meta.url), {
    atomics: 'disabled',
    concurrentTasksPerWorker: BATCHES_PER_THREAD,
  });
  await broker.start();
  const full = job.batch === 'auto' ? DEFAULT_BATCH : job.batch;
  let epoch = 0;
  let lastTag = 0;
  let waiting: string[] = [];
  let inFlight = 0;
  let earlier: Promise<unknown> = Promise.resolve();
  // what rejects ends the process: the harness reports what was handled up to there
  const dispatch = async (): Promise<void> => {
    const tag = lastTag;
    const batch = waiting;
    waiting = [];
    inFlight++;
    const done = pool.run(batch);
    const settled = Promise.all([earlier, done]);
    earlier = settled;
    await done;
    inFlight--;
    await settled;
    consumer.ack(epoch, tag, true);
    consumer.flush();
    dispatchRest();
  };
  const dispatchRest = (): void => {
    if (waiting.length > 0 && inFlight < pool.threads.length) void dispatch();
  };
  const consumer = await broker.consume(
    { queue: job.queue, prefetch: prefetchOf(job) },
    {
      epochOpened(opened) {
        epoch = opened;
      },
      deliver({ tag, source, bodyStart, bodyEnd }) {
        waiting.push(source.toString('utf8', bodyStart, bodyEnd));
        lastTag = tag;
        if (waiting.length === full) void dispatch();
      },
      readEnded: dispatchRest,
      epochClosed() {},
    },
  );
  return consumingWith(pool, consumer);
}
