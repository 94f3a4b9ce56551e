import { IdlePool } from './idle-pool.ts';
import { Slab } from './slab.ts';

/** A slab for messages of ordinary size. Larger ones get a slab of their own, in steps of `STEP_BYTES`. */
export const SLAB_BYTES: number = 1 << 20;
const STEP_BYTES = 1 << 16;
const RECORDS_A_SLAB = 4096;
const RECORDS_A_LARGE_SLAB = 1;

/** Slabs in use, and slabs to be used again. */
export class SlabPool {
  readonly #slabs: IdlePool<Slab>;

  /** @param keepBytes - of slabs lying idle, at most */
  constructor(keepBytes: number) {
    this.#slabs = new IdlePool(keepBytes);
  }

  /** Bytes of the slabs handed out. */
  get usedBytes(): number {
    return this.#slabs.usedBytes;
  }

  /** A slab that holds at least one record of `recordBytes`. */
  take(recordBytes: number): Slab {
    const large = recordBytes > SLAB_BYTES / 2;
    const capacity = large ? Math.ceil(recordBytes / STEP_BYTES) * STEP_BYTES : SLAB_BYTES;
    // by capacity, not by record: a slab lying idle is found by its capacity alone
    const ordinary = capacity === SLAB_BYTES;
    return this.#slabs.take(capacity) ?? new Slab(capacity, ordinary ? RECORDS_A_SLAB : RECORDS_A_LARGE_SLAB);
  }

  /** Takes back a slab in which nothing is unsettled. */
  give(slab: Slab): void {
    this.#slabs.give(slab.capacity, slab);
  }
}
