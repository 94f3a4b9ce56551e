/** Where a contender takes its messages from, made fresh and filled for each of its turns. */
import type { SourceName } from '../contenders/entry.ts';
import { celeryMessage } from '../harness/celery-message.ts';
import { type FillRequest, fill } from '../harness/filler.ts';
import type { Progress } from '../harness/progress.ts';
import type { Left } from '../harness/verdict.ts';
import type { Bench } from './scenario.ts';

export interface Source {
  preload(request: Omit<FillRequest, 'amqpUrl' | 'queue'>, progress: Progress): Promise<void>;
  /** Asked for once, after the run. */
  left(): Promise<Left>;
}

export const SOURCES: Readonly<Record<SourceName, (bench: Bench) => Source>> = {
  rabbitmq: ({ amqpUrl, queue }) => ({
    preload: (request, progress) => fill({ amqpUrl, queue: queue.queue, ...request }, progress),
    left: () => queue.left(),
  }),
  celery: ({ amqpUrl, queue }) => ({
    preload: (request, progress) => fill({ amqpUrl, queue: queue.queue, encode: celeryMessage, ...request }, progress),
    left: () => queue.left(),
  }),
  bullmq: ({ field: { redisUrl }, queue }) => {
    if (redisUrl === undefined) throw new Error('there is no Redis in this run');
    return {
      async preload(request, progress) {
        const { fillBullmq } = await import('../harness/bullmq-queue.ts');
        await fillBullmq(redisUrl, { queue: queue.queue, ...request }, progress);
      },
      async left() {
        const { takeBullmqDown } = await import('../harness/bullmq-queue.ts');
        return takeBullmqDown(redisUrl, queue.queue);
      },
    };
  },
};
