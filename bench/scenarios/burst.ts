import { endToEnd } from './end-to-end.ts';
import { latencies, lateness } from './latencies.ts';
import { peakBacklog, recoverySeconds } from './recovery.ts';
import type { Scenario } from './scenario.ts';

/** The share of the steady arrival that comes before the burst. */
const BEFORE_SHARE = 0.2;

/** Messages arrive steadily by the clock; a fifth of the way a burst of them is due at once. */
export const burst: Scenario = async (bench, turn, messages) => {
  const { arrivalRate: rate, options } = bench;
  const { burstMessages } = options.parameters;
  if (rate === undefined || burstMessages === undefined) throw new Error('burst needs a rate and a size');
  const from = Math.floor((messages - burstMessages) * BEFORE_SHARE);
  if (from < 1) throw new Error(`a burst of ${burstMessages} needs more messages than that, got ${messages}`);
  const schedule = { rate, burst: { from, messages: burstMessages } };
  const { result, times } = await endToEnd(bench, turn, messages, { kind: 'paced', schedule });
  const figures = {
    recovery: recoverySeconds(times, schedule.burst),
    backlog: peakBacklog(times),
    late: lateness(times).at(99),
  };
  return { ...result, latency: latencies(times).snapshot(), figures };
};
