/** What the times of all messages say of a burst: how much it piled up, and for how long. Pure. */
import type { ArrivalSchedule } from '../harness/arrival-schedule.ts';
import { median } from '../harness/statistics.ts';
import type { MessageTimes } from './end-to-end.ts';

/** Neighbours whose median latency says how it is then: one message alone may be lucky or not. */
const NEIGHBOURS = 50;
/** Recovered: not more than so many times as slow as before. */
const SLOWER = 2;

type Burst = NonNullable<ArrivalSchedule['burst']>;

function medianLatency({ due, acked }: Pick<MessageTimes, 'due' | 'acked'>, from: number, to: number): number {
  const latencies: number[] = [];
  for (let i = from; i < to; i++) {
    const at = acked[i] as number;
    latencies.push(at === 0 ? Number.POSITIVE_INFINITY : at - (due[i] as number));
  }
  return median(latencies);
}

/**
 * Seconds from the burst until messages of the steady arrival are acked nearly as fast as before it; NaN when they never
 * are. Before it: the second half of what came then, because the first shows a process whose code is not compiled yet.
 */
export function recoverySeconds(times: Pick<MessageTimes, 'due' | 'acked'>, burst: Burst): number {
  const before = medianLatency(times, burst.from >> 1, burst.from);
  const { due } = times;
  for (let from = burst.from + burst.messages; from + NEIGHBOURS <= due.length; from++) {
    if (medianLatency(times, from, from + NEIGHBOURS) > SLOWER * before) continue;
    return ((due[from] as number) - (due[burst.from] as number)) / 1000;
  }
  return Number.NaN;
}

/** The most messages that were published and not acked at any moment. */
export function peakBacklog({ published, acked }: Pick<MessageTimes, 'published' | 'acked'>): number {
  const ends = acked.filter((at) => at > 0).sort();
  let peak = 0;
  let ended = 0;
  for (let i = 0; i < published.length; i++) {
    while (ended < ends.length && (ends[ended] as number) <= (published[i] as number)) ended++;
    peak = Math.max(peak, i + 1 - ended);
  }
  return peak;
}
