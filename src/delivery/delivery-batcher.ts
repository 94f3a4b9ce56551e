import type { RawDelivery } from '../batch/raw-delivery.ts';
import { type Slab, slabBytes } from '../batch/slab.ts';
import type { SlabPool } from '../batch/slab-pool.ts';

/** A range of deliveries cut for one thread. */
export interface CutBatch {
  readonly slab: Slab;
  readonly fromRecord: number;
  readonly count: number;
}

/**
 * Keeps what has arrived on one queue and was not dispatched, and cuts batches from its front.
 *
 *     slab 1 (being emptied)            slab 2            slab 3 (being filled)
 *     │ dispatched │ waiting        │   │ waiting     │   │ waiting │ free    │
 *                  └ cursor ────────────────────────────▶ append
 *
 * A batch never spans two slabs. Synchronous. A message costs no memory of its own, but on Node 20 about 110 bytes that are
 * garbage at once (docs/performance.md).
 */
export class DeliveryBatcher {
  readonly #pool: SlabPool;
  /** Slabs with records that were not cut; the last one is being filled. */
  #slabs: Slab[] = [];
  /** First record of the first slab that was not cut. */
  #cursor = 0;
  #messages = 0;
  #bytes = 0;
  #epoch = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Messages waiting. */
  get messages(): number {
    return this.#messages;
  }

  /** Bytes of the records waiting. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When the oldest waiting delivery arrived, ms of `performance.now()`; undefined when there is none. */
  get oldestArrival(): number | undefined {
    return this.#messages === 0 ? undefined : this.#slabs[0]?.arrivals[this.#cursor];
  }

  /** Tag of the first waiting delivery, 0 when there is none. */
  get firstWaitingTag(): number {
    const slab = this.#slabs[0];
    return this.#messages === 0 || slab === undefined ? 0 : slab.firstTag + this.#cursor;
  }

  /** Forgets what waits of an earlier epoch, because the broker delivers it again. Returns how many that were. */
  openEpoch(epoch: number): number {
    const dropped = this.drop();
    this.#epoch = epoch;
    return dropped;
  }

  append(delivery: RawDelivery, nowMs: number): void {
    const bytes = slabBytes(delivery);
    const slab = this.#slabFor(bytes, delivery.tag);
    slab.append(delivery, nowMs);
    this.#messages++;
    this.#bytes += bytes;
  }

  /** Cuts a batch from the front: at most `maxMessages`, at most `maxBytes` unless one message alone is larger. */
  cut(maxMessages: number, maxBytes: number): CutBatch | undefined {
    if (this.#messages === 0) return undefined;
    const slab = this.#slabs[0] as Slab;
    const from = this.#cursor;
    const start = slab.startOf(from);
    let to = Math.min(slab.count, from + maxMessages);
    while (to > from + 1 && slab.startOf(to) - start > maxBytes) to = from + ((to - from) >> 1);
    this.#cursor = to;
    this.#messages -= to - from;
    this.#bytes -= slab.startOf(to) - start;
    if (to === slab.count && this.#slabs.length > 1) this.#dropFront();
    return { slab, fromRecord: from, count: to - from };
  }

  /** Forgets everything that waits; returns how many messages. */
  drop(): number {
    const dropped = this.#messages;
    const slabs = this.#slabs;
    let cursor = this.#cursor;
    this.#slabs = [];
    this.#cursor = 0;
    this.#messages = 0;
    this.#bytes = 0;
    for (const slab of slabs) {
      if (slab.count > cursor) this.settled(slab, slab.count - cursor);
      cursor = 0;
    }
    return dropped;
  }

  /** Counts settled records of a slab; when all are, it goes back to the pool. */
  settled(slab: Slab, count: number): void {
    slab.unsettled -= count;
    if (slab.unsettled > 0) return;
    // nothing of it waits either, so if it is still listed it is the only one, cut to its end
    const listed = this.#slabs.indexOf(slab);
    if (listed !== -1) {
      this.#slabs.splice(listed, 1);
      this.#cursor = 0;
    }
    this.#pool.give(slab);
  }

  #slabFor(bytes: number, tag: number): Slab {
    const last = this.#slabs[this.#slabs.length - 1];
    if (last?.fits(bytes)) return last;
    if (last !== undefined && this.#slabs.length === 1 && this.#cursor === last.count) this.#dropFront();
    const slab = this.#pool.take(bytes);
    slab.reset(this.#epoch, tag);
    this.#slabs.push(slab);
    return slab;
  }

  /** The front slab is cut to its end: it leaves the list; its last settled record sends it to the pool. */
  #dropFront(): void {
    this.#slabs.shift();
    this.#cursor = 0;
  }
}
