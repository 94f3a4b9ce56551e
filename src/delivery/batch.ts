import type { Ledger } from '../batch/ledger.ts';
import type { Slab } from '../batch/slab.ts';
import type { BatchTrigger } from './delivery-counters.ts';
import type { QueueLane } from './queue-lane.ts';

/** Deliveries of one queue and epoch that were sent to a thread together; their tags have no gaps. */
export interface Batch {
  readonly lane: QueueLane;
  readonly slab: Slab;
  readonly fromRecord: number;
  readonly count: number;
  readonly epoch: number;
  readonly firstTag: number;
  readonly trigger: BatchTrigger;
}

/** One execution of a batch, or of some of its tasks when it runs again after a death or a store's absence. */
export interface Run {
  readonly batch: Batch;
  /** Positions in the batch that this run is for, ascending; undefined: all. */
  readonly indexes: readonly number[] | undefined;
  /** Runs while nothing else does: its thread died while it ran beside others, and the next death must say whose it is. */
  readonly alone?: boolean;
}

/** A run that a thread has. */
export interface RunInFlight extends Run {
  readonly ledger: Ledger;
  /** What the ledger's moments count from, on the clock of support/monotonic.ts. */
  readonly openedMonotonicMs: number;
  /** When it was sent to its thread, on the same clock. */
  readonly sentMonotonicMs: number;
  /** Thread time that it was expected to take when it started, ms. */
  readonly expectedMs: number;
  /** Tasks taken back from the thread: not begun, or done and settled before the run has ended. */
  takenBack: number;
  /** Tasks that were past their last moment: their thread is being ended. */
  timedOut: number;
}

/** Positions that the run is for. */
export function positionsOf(run: Run): readonly number[] {
  return run.indexes ?? Array.from({ length: run.batch.count }, (_, index) => index);
}
