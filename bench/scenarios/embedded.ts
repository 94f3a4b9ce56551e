import { CHILD_FILE, contenderUrl } from '../harness/build.ts';
import { startProgress } from '../harness/progress.ts';
import { startContender } from '../harness/run-child.ts';
import { entryOf, jobOf, type Scenario, type ServerlessBench, settled } from './scenario.ts';

/** Nothing listens there. */
const NOWHERE = 'memory:';
const QUEUE = 'records';

/** A queue in memory is filled, then drained, all in the contender's process. */
export const embedded: Scenario<ServerlessBench> = async (bench, turn, messages) => {
  const entry = entryOf(turn);
  const place = {
    ...bench,
    amqpUrl: NOWHERE,
    queue: { queue: QUEUE },
    iterations: undefined,
    longIterations: undefined,
  };
  const job = jobOf(place, turn, messages, entry.writes === true ? { url: NOWHERE } : undefined);
  const progress = startProgress(turn.contender);
  const task = { module: contenderUrl(entry.module), job, ackTimes: false, embedded: true };
  const report = await startContender(task, CHILD_FILE, progress).report;
  progress.end();
  if (report.remains === undefined) throw new Error(`${turn.contender} does not tell what it left`);
  return {
    ...settled(bench, { messages, seed: turn.seed, report }, report.remains),
    seconds: (report.endMs - report.startMs) / 1000,
    latency: report.latency,
    figures: report.threadsBusy === undefined ? {} : { threadsBusy: report.threadsBusy },
    publisherCpuMicros: undefined,
  };
};
