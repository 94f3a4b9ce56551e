/** Why a batch was cut: it was full by count or bytes, too old to wait, or a thread had nothing to do. */
export type BatchTrigger = 'size' | 'bytes' | 'age' | 'idle';

/** Latency of a share of messages, from the read off the socket to the ack handed to it. */
export interface LatencySnapshot {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Counted since the start of the runtime, over all queues. `acked` counts messages, `acksWritten` the frames that said so. */
export interface DeliveryCounters {
  readonly received: number;
  readonly redelivered: number;
  readonly succeeded: number;
  /** Attempts that failed, timed out or crashed, and messages that expired. */
  readonly failed: number;
  readonly deadLettered: number;
  /** Sent for another attempt. */
  readonly retried: number;
  /** Sent for the same attempt later: snoozed, or of a task that this worker does not have. */
  readonly waited: number;
  /** Too old to be started. */
  readonly expired: number;
  /** Given up by their task, or cancelled: acked, and stored nowhere. */
  readonly discarded: number;
  /** Tasks that ran into their timeout and grace, and cost a thread. */
  readonly timedOut: number;
  /** Put aside into a queue of suspects. */
  readonly suspects: number;
  readonly acked: number;
  readonly acksWritten: number;
  readonly givenBack: number;
  /** Settled in an epoch that was already over: the broker delivers these again. */
  readonly stale: number;
  readonly withoutId: number;
  readonly handlerCalls: number;
  readonly reruns: number;
  /** Given to another thread, because a long task held up the one that had not begun them. */
  readonly takenBack: number;
  readonly threadDeaths: number;
  readonly batches: Readonly<Record<BatchTrigger, number>>;
  readonly messagesHeld: number;
  readonly bytesHeld: number;
  readonly latency: LatencySnapshot;
  /** Unix ms, undefined before the first. */
  readonly lastDeliveryAt: number | undefined;
  /** Queues without a consumer at the moment, e.g. deleted ones, and why; each consumer tries again by itself. */
  readonly interrupted: readonly { readonly queue: string; readonly reason: string }[];
  /** Why nothing is consumed at the moment, e.g. the store is away; undefined while it flows. */
  readonly paused: string | undefined;
}
