import { Slab } from './slab.ts';

/** A slab for messages of ordinary size. Larger ones get a slab of their own, in steps of `STEP_BYTES`. */
export const SLAB_BYTES: number = 1 << 20;
const STEP_BYTES = 1 << 16;
const RECORDS_A_SLAB = 4096;
const RECORDS_A_LARGE_SLAB = 1;

/**
 * Slabs in use and slabs to be used again. Memory that is allocated anew for every batch costs ten times the copy into
 * it (bench/micro/slab.bench.ts), so slabs come back here; of those lying idle it keeps at most `keepBytes`.
 */
export class SlabPool {
  readonly #keepBytes: number;
  /** By capacity, because a large message's slab fits only its like. */
  readonly #idle = new Map<number, Slab[]>();
  #idleBytes = 0;
  #usedBytes = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** Bytes of the slabs handed out. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** A slab that holds at least one record of `recordBytes`. */
  take(recordBytes: number): Slab {
    const large = recordBytes > SLAB_BYTES / 2;
    const capacity = large ? Math.ceil(recordBytes / STEP_BYTES) * STEP_BYTES : SLAB_BYTES;
    this.#usedBytes += capacity;
    const idle = this.#idle.get(capacity)?.pop();
    if (idle === undefined) return new Slab(capacity, large ? RECORDS_A_LARGE_SLAB : RECORDS_A_SLAB);
    this.#idleBytes -= capacity;
    return idle;
  }

  /** Takes back a slab in which nothing is unsettled. */
  give(slab: Slab): void {
    const capacity = slab.capacity;
    this.#usedBytes -= capacity;
    if (this.#idleBytes + capacity > this.#keepBytes) return;
    this.#idleBytes += capacity;
    const idle = this.#idle.get(capacity);
    if (idle === undefined) this.#idle.set(capacity, [slab]);
    else idle.push(slab);
  }
}
