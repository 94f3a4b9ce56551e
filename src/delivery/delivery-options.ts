/** What delivery is told by the composition root: all resolved, all required. */

export interface QueueOptions {
  readonly name: string;
  /** Task of messages that name none; undefined: such messages are dead-lettered with E_TASK_UNKNOWN. */
  readonly task: string | undefined;
  /** Unacked messages the broker may push. */
  readonly prefetch: number;
}

export interface BatchOptions {
  /** Messages a batch is closed at; 'auto' derives it from measured work (batch-sizer.ts). */
  readonly target: number | 'auto';
  /** Bytes a batch is closed at. A larger message travels alone. */
  readonly maxBytes: number;
  /** A batch older than this is closed as soon as any thread has a free slot. */
  readonly maxAgeMs: number;
}

export interface DeliveryOptions {
  readonly queues: readonly QueueOptions[];
  readonly batch: BatchOptions;
  /** Bytes of deliveries held at most, slab and thread copy together; reading pauses above it. */
  readonly creditBytes: number;
  /** Deaths of a thread with this message running after which the message is dead-lettered. */
  readonly maxDeaths: number;
}
