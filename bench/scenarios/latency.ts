import { endToEnd } from './end-to-end.ts';
import { latencies, lateness } from './latencies.ts';
import type { Scenario } from './scenario.ts';

/** The first fifth of a round shows a process whose code is not compiled yet: its latencies do not count. */
const WARM_UP_SHARE = 0.2;

/** Messages arrive by the clock, at a rate that is given or a share of what publishing allows. */
export const latency: Scenario = async (bench, turn, messages) => {
  const rate = bench.arrivalRate;
  if (rate === undefined) throw new Error('no arrival rate is known');
  const { result, times } = await endToEnd(bench, turn, messages, { kind: 'paced', schedule: { rate } });
  const first = Math.floor(messages * WARM_UP_SHARE);
  const recorded = latencies(times, first);
  const figures = {
    arrival: rate,
    p90: recorded.at(90),
    p999: recorded.at(99.9),
    late: lateness(times, first).at(99),
  };
  return { ...result, latency: recorded.snapshot(), figures };
};
