import type { Choice } from './choice.ts';

/** What one queue is consumed with at the moment, and why. */
export interface QueueSizes {
  readonly queue: string;
  /** Mean time of a task in ms, 0 before the first. */
  readonly meanTaskMs: number;
  /** Messages that the broker may push ahead. */
  readonly prefetch: Choice;
  /** Messages a batch is closed at. */
  readonly batch: Choice;
  /** Batches that threads have at once, at most. */
  readonly inFlight: Choice;
}
