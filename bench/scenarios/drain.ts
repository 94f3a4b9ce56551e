/** A queue is filled, then drained: what `noop`, `mongo`, `workload` and `cpu` have in common. */
import { CHILD_FILE, contenderUrl } from '../harness/build.ts';
import { startProgress } from '../harness/progress.ts';
import { startContender } from '../harness/run-child.ts';
import { entryOf, jobOf, type Scenario, settle } from './scenario.ts';
import { SOURCES } from './source.ts';

/** @param writes - what a contender does whose entry says nothing else */
export function drain(writes: boolean): Scenario {
  return async (bench, turn, messages) => {
    const entry = entryOf(turn);
    const store = (entry.writes ?? writes) ? bench.store : undefined;
    const source = SOURCES[entry.source ?? 'rabbitmq'](bench);
    await bench.queue.recreate();
    await store?.empty();
    if (entry.withoutQueue !== true) {
      const filling = startProgress(`filling for ${turn.contender}`);
      const { bodyBytes } = bench.options.parameters;
      await source.preload({ seed: turn.seed, bodyBytes, messages }, filling);
      filling.end();
    }
    const draining = startProgress(turn.contender);
    const job = jobOf(bench, turn, messages, store);
    const task = { module: contenderUrl(entry.module), job, ackTimes: false };
    const report = await startContender(task, CHILD_FILE, draining).report;
    draining.end();
    const left = await source.left();
    return {
      ...(await settle(bench, { messages, seed: turn.seed, report, store, left, retries: job.acks - messages })),
      seconds: (report.endMs - report.startMs) / 1000,
      latency: report.latency,
      figures: {
        ...(report.threadsBusy === undefined ? {} : { threadsBusy: report.threadsBusy }),
        ...(bench.options.scenario === 'workload' ? { retries: job.acks - messages } : {}),
      },
      publisherCpuMicros: undefined,
    };
  };
}
