import { CHILD_FILE, contenderUrl } from '../harness/build.ts';
import type { Turn } from '../harness/interleave.ts';
import { LatencyRecorder } from '../harness/latency-recorder.ts';
import { startProgress } from '../harness/progress.ts';
import type { TurnResult } from '../harness/recorder.ts';
import { startContender } from '../harness/run-child.ts';
import { startPublishers } from '../harness/run-publishers.ts';
import { type Bench, entryOf, jobOf, type Scenario, settle } from './scenario.ts';

const PUBLISHERS = 50;

/** From the publish to the ack, of every message that was acked. */
function latencyOf(publishTimes: Float64Array, ackTimes: Float64Array): TurnResult['latency'] {
  const recorder = new LatencyRecorder();
  for (let i = 0; i < ackTimes.length; i++) {
    const acked = ackTimes[i] as number;
    if (acked > 0) recorder.record(acked - (publishTimes[i] as number));
  }
  return recorder.snapshot();
}

async function measure(bench: Bench, turn: Turn, messages: number): Promise<TurnResult> {
  const entry = entryOf(turn);
  const store = entry.writes === true ? bench.store : undefined;
  await bench.queue.recreate();
  await store?.empty();
  const { amqpUrl } = bench;
  const order = { amqpUrl, queue: bench.queue.queue, seed: turn.seed, messages, publishers: PUBLISHERS };
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
    const published = await publishers.report;
    progress.end();
    const first = published.publishTimes[0] as number;
    return {
      ...(await settle(bench, { messages, seed: turn.seed, report, store })),
      seconds: (report.endMs - first) / 1000,
      latency: report.ackTimes && latencyOf(published.publishTimes, report.ackTimes),
      publisherCpuMicros: published.cpuMicros,
    };
  } finally {
    publishers.end();
  }
}

/** 50 publishers, each awaiting its confirm, and one consumer at once. */
export const live: Scenario = measure;
