import { CHILD_FILE, contenderUrl } from '../harness/build.ts';
import { startProgress } from '../harness/progress.ts';
import { readQueue } from '../harness/queue-reader.ts';
import { startContender } from '../harness/run-child.ts';
import { entryOf, jobOf, type Scenario, settle } from './scenario.ts';

/** An empty queue is filled by the contender; what is in it then is taken out and compared with what was to be sent. */
export const publish: Scenario = async (bench, turn, messages) => {
  const { amqpUrl, queue } = bench;
  const { seed } = turn;
  await queue.recreate();
  const progress = startProgress(turn.contender);
  const task = {
    module: contenderUrl(entryOf(turn).module),
    job: jobOf(bench, turn, messages, undefined),
    ackTimes: false,
  };
  const report = await startContender(task, CHILD_FILE, progress).report;
  progress.end();
  const { queued } = await queue.left();
  const { handled, transient } = await readQueue({ amqpUrl, queue: queue.queue, seed, messages, queued });
  const settled = await settle(bench, { messages, seed, report: { ...report, handled }, store: undefined });
  return {
    ...settled,
    faults: [...settled.faults, ...(transient > 0 ? [`${transient} messages are not persistent`] : [])],
    seconds: (report.endMs - report.startMs) / 1000,
    latency: undefined,
    publisherCpuMicros: undefined,
  };
};
