import { isLong } from '../harness/long-tasks.ts';
import { endToEnd } from './end-to-end.ts';
import { latencies } from './latencies.ts';
import type { Scenario } from './scenario.ts';

/** The first fifth of a round shows a process whose code is not compiled yet: its latencies do not count. */
const WARM_UP_SHARE = 0.2;

/** Messages arrive by the clock, and each hundredth of them is long: what do the others wait for it? */
export const cpuMixed: Scenario = async (bench, turn, messages) => {
  const rate = bench.arrivalRate;
  if (rate === undefined) throw new Error('no arrival rate is known');
  const { result, times, threadsBusy } = await endToEnd(bench, turn, messages, { kind: 'paced', schedule: { rate } });
  const first = Math.floor(messages * WARM_UP_SHARE);
  const short = latencies(times, first, (index) => !isLong(index));
  const long = latencies(times, first, isLong);
  const figures = {
    p90: short.at(90),
    p999: short.at(99.9),
    longP50: long.at(50),
    threadsBusy: threadsBusy ?? Number.NaN,
  };
  return { ...result, latency: short.snapshot(), figures };
};
