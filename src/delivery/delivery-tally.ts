import { LatencyRecorder } from '../telemetry/latency-recorder.ts';
import type { BatchTrigger, DeliveryCounters } from './delivery-counters.ts';

/** The counters of a pipeline while it runs: plain fields, because they are written on the hot path. */
export class DeliveryTally {
  received = 0;
  redelivered = 0;
  succeeded = 0;
  failed = 0;
  deadLettered = 0;
  retried = 0;
  waited = 0;
  expired = 0;
  discarded = 0;
  timedOut = 0;
  suspects = 0;
  acked = 0;
  acksWritten = 0;
  givenBack = 0;
  stale = 0;
  withoutId = 0;
  handlerCalls = 0;
  reruns = 0;
  takenBack = 0;
  threadDeaths = 0;
  lastDeliveryAt: number | undefined;
  readonly batches: Record<BatchTrigger, number> = { size: 0, bytes: 0, age: 0, idle: 0 };
  readonly latency = new LatencyRecorder();

  snapshot(now: Pick<DeliveryCounters, 'messagesHeld' | 'bytesHeld' | 'interrupted' | 'paused'>): DeliveryCounters {
    const { latency, batches, ...counters } = this;
    return { ...counters, ...now, batches: { ...batches }, latency: latency.snapshot() };
  }
}
