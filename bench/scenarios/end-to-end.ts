/** Messages arrive while they are consumed: what all such scenarios do, whatever the load. */
import { CHILD_FILE, contenderUrl } from '../harness/build.ts';
import type { Turn } from '../harness/interleave.ts';
import { startProgress } from '../harness/progress.ts';
import type { Load } from '../harness/publish-order.ts';
import type { TurnResult } from '../harness/recorder.ts';
import { startContender } from '../harness/run-child.ts';
import { startPublishers } from '../harness/run-publishers.ts';
import { type Bench, entryOf, jobOf, settle } from './scenario.ts';

/** When what happened to each message, ms; in the order in which they were published. */
export interface MessageTimes {
  readonly due: Float64Array;
  readonly published: Float64Array;
  /** 0: never. */
  readonly acked: Float64Array;
}

export interface EndToEnd {
  readonly result: Omit<TurnResult, 'latency' | 'figures'>;
  readonly times: MessageTimes;
  /** Busy thread time ÷ (wall × threads); undefined where the contender has no threads. */
  readonly threadsBusy: number | undefined;
}

/** One contender and the load at once; its time runs from the first publish to the last ack. */
export async function endToEnd(bench: Bench, turn: Turn, messages: number, load: Load): Promise<EndToEnd> {
  const entry = entryOf(turn);
  const store = entry.writes === true ? bench.store : undefined;
  await bench.queue.recreate();
  await store?.empty();
  const order = { amqpUrl: bench.amqpUrl, queue: bench.queue.queue, seed: turn.seed, messages, load };
  const progress = startProgress(turn.contender);
  const publishers = startPublishers(order);
  try {
    const task = { module: contenderUrl(entry.module), job: jobOf(bench, turn, messages, store), ackTimes: true };
    const consumer = startContender(task, CHILD_FILE, progress);
    await Promise.all([consumer.ready, publishers.connected]);
    await consumer.restart();
    publishers.go();
    const report = await consumer.report;
    if (report.acked < messages) publishers.end(); // it may wait for confirms that do not come
    const { publishTimes: published, dueTimes: due, cpuMicros } = await publishers.report;
    progress.end();
    if (report.ackTimes === undefined) throw new Error(`${turn.contender} cannot tell when it acks`);
    return {
      result: {
        ...(await settle(bench, { messages, seed: turn.seed, report, store })),
        seconds: (report.endMs - (published[0] as number)) / 1000,
        publisherCpuMicros: cpuMicros,
      },
      times: { due, published, acked: report.ackTimes },
      threadsBusy: report.threadsBusy,
    };
  } finally {
    publishers.end();
  }
}
