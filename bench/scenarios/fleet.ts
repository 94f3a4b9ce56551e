import { CHILD_FILE, contenderUrl } from '../harness/build.ts';
import type { ChildReport } from '../harness/child.ts';
import { fill } from '../harness/filler.ts';
import type { Turn } from '../harness/interleave.ts';
import { mergeReports, partsOf } from '../harness/merge-reports.ts';
import { startProgress } from '../harness/progress.ts';
import { QueueAdmin } from '../harness/queue-admin.ts';
import { startContender } from '../harness/run-child.ts';
import { type Bench, entryOf, jobOf, type Scenario, settle } from './scenario.ts';

const ALONE = { processes: 1, queues: 1 };

async function openQueues(bench: Bench, count: number): Promise<QueueAdmin[]> {
  const { queueType } = bench.options;
  const others = Array.from({ length: count - 1 }, (_, nth) =>
    QueueAdmin.open(bench.amqpUrl, `${bench.queue.queue}-${nth + 2}`, queueType),
  );
  return [bench.queue, ...(await Promise.all(others))];
}

/** All of them load, begin together, and end when all messages are acked by whomever. */
async function drainTogether(
  bench: Bench,
  turn: Turn,
  messages: number,
  queues: readonly QueueAdmin[],
): Promise<ChildReport[]> {
  const entry = entryOf(turn);
  const { processes } = entry.fleet ?? ALONE;
  const draining = startProgress(turn.contender);
  const acked = new Array<number>(processes).fill(0);
  const children = acked.map((_, nth) => {
    const { queue } = queues[nth % queues.length] as QueueAdmin;
    const job = { ...jobOf(bench, turn, messages, undefined), queue };
    const update = (count: number): void => {
      acked[nth] = count;
      const sum = acked.reduce((total, each) => total + each, 0);
      draining.update(sum, messages);
      if (sum >= messages) for (const child of children) child.finish();
    };
    const task = { module: contenderUrl(entry.module), job, ackTimes: false, fleet: true };
    return startContender(task, CHILD_FILE, { update, end() {} });
  });
  await Promise.all(children.map((child) => child.loaded));
  for (const child of children) child.go();
  const reports = await Promise.all(children.map((child) => child.report));
  draining.end();
  return reports;
}

/** One process or several drain what lies in one queue or several; the total of messages is the same for all. */
export const fleet: Scenario = async (bench, turn, messages) => {
  const queues = await openQueues(bench, (entryOf(turn).fleet ?? ALONE).queues);
  try {
    const filling = startProgress(`filling for ${turn.contender}`);
    for (const [nth, part] of partsOf(messages, queues.length).entries()) {
      const { queue } = queues[nth] as QueueAdmin;
      await queues[nth]?.recreate();
      await fill({ amqpUrl: bench.amqpUrl, queue, seed: turn.seed, bodyBytes: undefined, ...part }, filling);
    }
    filling.end();
    const reports = await drainTogether(bench, turn, messages, queues);
    const report = mergeReports(reports, messages);
    const left = { queued: 0, dead: 0 };
    for (const queue of queues) {
      const { queued, dead } = await queue.left();
      left.queued += queued;
      left.dead += dead;
    }
    const shares = reports.map(({ acked }) => acked / messages);
    return {
      ...(await settle(bench, { messages, seed: turn.seed, report, store: undefined, left })),
      seconds: (report.endMs - report.startMs) / 1000,
      latency: undefined,
      figures: { leastShare: Math.min(...shares) },
      publisherCpuMicros: undefined,
    };
  } finally {
    for (const queue of queues.slice(1)) {
      await queue.remove();
      await queue.close();
    }
  }
};
