import { decodeProperties } from '../batch/message-properties.ts';
import type { Batch } from './batch.ts';

export interface SuspectScreenParts {
  /** Times that the broker may have taken a message back before it is a suspect. */
  readonly mostReturns: number;
  /** Puts a message aside instead of running it. */
  readonly divert: (batch: Batch, index: number) => void;
  /** In the queue of suspects: every return there was an attempt; false when there were too many of them. */
  readonly mayRun: (batch: Batch, index: number, returns: number) => boolean;
}

/**
 * Looks at redelivered messages before they run. When a worker's process dies, with whatever killed it, the broker
 * takes everything back that it held, up to the whole prefetch, and counts (`x-delivery-count`, quorum queues only).
 * Returns by connections that this process lost and survived are not held against it (queue-lane.ts).
 * A message that has come back three times is put aside into the queue of suspects, where it runs with no other suspect
 * beside it in the process: the next death there is its own attempt, and costs no other message one.
 *
 * Cost: nothing for messages delivered for the first time; the properties of redelivered ones are decoded.
 */
export class SuspectScreen {
  readonly #parts: SuspectScreenParts;

  constructor(parts: SuspectScreenParts) {
    this.#parts = parts;
  }

  /** Positions of the batch that may run; undefined: all. The others have been seen to. */
  screen(batch: Batch): readonly number[] | undefined {
    const { lane, slab, fromRecord, count } = batch;
    if (lane.redeliveredWaiting === 0) return undefined;
    const kept: number[] = [];
    const diverted: number[] = [];
    for (let index = 0; index < count; index++) {
      const { redelivered, properties } = slab.record(fromRecord + index);
      if (redelivered) lane.redeliveredWaiting--;
      if (redelivered && !this.#mayRun(batch, index, lane.excuse(returnsOf(properties)))) diverted.push(index);
      else kept.push(index);
    }
    return diverted.length === 0 ? undefined : kept;
  }

  #mayRun(batch: Batch, index: number, returns: number): boolean {
    if (batch.lane.queue.suspects) return this.#parts.mayRun(batch, index, returns);
    if (returns < this.#parts.mostReturns) return true;
    this.#parts.divert(batch, index);
    return false;
  }
}

/** 0 where the broker counts none, or the properties cannot be read: then the thread will say so. */
function returnsOf(properties: Buffer): number {
  try {
    const count = decodeProperties(properties, 0, properties.length).headers?.['x-delivery-count'];
    return typeof count === 'number' ? count : 0;
  } catch {
    return 0;
  }
}
