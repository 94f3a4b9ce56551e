/** The queue of the BullMQ contender, in Redis: filled with the same payloads, looked at after the run, removed. */
import { Queue } from 'bullmq';
import type { FillRequest } from './filler.ts';
import { signatureAt, TASK_NAME } from './message-source.ts';
import type { Progress } from './progress.ts';
import type { Left } from './verdict.ts';

/** Jobs added by one command. */
const BULK = 1000;

async function withQueue<T>(redisUrl: string, name: string, use: (queue: Queue) => Promise<T>): Promise<T> {
  const queue = new Queue(name, { connection: { url: redisUrl } });
  try {
    await queue.waitUntilReady();
    return await use(queue);
  } finally {
    await queue.close();
  }
}

/** As `fill` (filler.ts) does it for a queue of RabbitMQ. Redis has acknowledged every job when it resolves. */
export function fillBullmq(redisUrl: string, request: Omit<FillRequest, 'amqpUrl'>, progress: Progress): Promise<void> {
  const { messages, seed } = request;
  return withQueue(redisUrl, request.queue, async (queue) => {
    await queue.obliterate({ force: true });
    for (let from = 0; from < messages; from += BULK) {
      const length = Math.min(BULK, messages - from);
      const jobs = Array.from({ length }, (_, i) => ({ name: TASK_NAME, data: signatureAt(seed, from + i) }));
      await queue.addBulk(jobs);
      progress.update(from + length, messages);
    }
  });
}

/** Counts what is left, then removes the queue. */
export function takeBullmqDown(redisUrl: string, name: string): Promise<Left> {
  return withQueue(redisUrl, name, async (queue) => {
    const { failed: dead = 0, ...others } = await queue.getJobCounts('wait', 'active', 'delayed', 'failed');
    await queue.obliterate({ force: true });
    return { queued: Object.values(others).reduce((sum, count) => sum + count, 0), dead };
  });
}
