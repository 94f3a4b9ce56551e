/** What the times of all messages say of latency. Pure. */
import { LatencyRecorder } from '../harness/latency-recorder.ts';
import type { MessageTimes } from './end-to-end.ts';

/**
 * From when it was due to its ack, of every message from `first` on that was acked.
 * @param counts - leaves out those for whose index it is false
 */
export function latencies(
  { due, acked }: Pick<MessageTimes, 'due' | 'acked'>,
  first = 0,
  counts: (index: number) => boolean = () => true,
): LatencyRecorder {
  const recorder = new LatencyRecorder();
  for (let i = first; i < acked.length; i++) {
    const at = acked[i] as number;
    if (at > 0 && counts(i)) recorder.record(at - (due[i] as number));
  }
  return recorder;
}

/** From when it was due to when it left: what the publisher itself adds. */
export function lateness({ due, published }: Pick<MessageTimes, 'due' | 'published'>, first = 0): LatencyRecorder {
  const recorder = new LatencyRecorder();
  for (let i = first; i < published.length; i++) recorder.record((published[i] as number) - (due[i] as number));
  return recorder;
}
