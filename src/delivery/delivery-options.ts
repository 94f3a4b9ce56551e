import type { RetryPolicy } from '../task/retry-policy.ts';

/** What delivery is told by the composition root: all resolved, all required. */

export interface QueueOptions {
  readonly name: string;
  /** Task of messages that name none; undefined: such messages are dead-lettered with E_TASK_UNKNOWN. */
  readonly task: string | undefined;
  /** Unacked messages the broker may push; 'auto' derives it from measured work (prefetch-sizer.ts). */
  readonly prefetch: number | 'auto';
  /** The queue that its dead letters and suspects belong to: its own name, or for suspects that of their queue. */
  readonly home: string;
  /** True for a queue of suspects: consumed where it is there, and each return of a message counts as its attempt. */
  readonly suspects: boolean;
  /** Share of the threads' time while other queues have messages too, 1 to 100. */
  readonly weight: number;
  /** For tasks that say nothing themselves. */
  readonly retry: RetryPolicy;
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
  /** Returns of a message, counted by the broker, after which it is a suspect. */
  readonly suspectReturns: number;
  readonly unknownTasks: { readonly waitMs: number; readonly limit: number };
  /** Names of the exchanges and queues of delayed messages begin with it. */
  readonly delayPrefix: string;
  /** host:pid, for histories and dead letters. */
  readonly worker: string;
  /** How often idle consumers are looked at; they are made anew where their queues have messages all the same. */
  readonly watchdogMs: number;
}
