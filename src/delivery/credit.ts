import type { BufferPool } from '../batch/buffer-pool.ts';
import type { SlabPool } from '../batch/slab-pool.ts';
import type { Broker } from '../broker/broker.ts';

/** Reading resumes when so much of the credit is used at most, so that it does not flutter. */
const RESUME_SHARE = 0.75;

/**
 * Bounds memory in bytes whatever the message size: RabbitMQ's prefetch counts messages only. Counted is what is
 * really allocated for deliveries, slabs on the main thread and copies in threads alike. Above the credit reading from
 * the broker pauses; what is read of a socket by then (64 KiB, and one message) may exceed it.
 */
export class Credit {
  readonly #limitBytes: number;
  readonly #slabs: SlabPool;
  readonly #buffers: BufferPool;
  readonly #broker: Broker;
  #paused = false;

  constructor(limitBytes: number, pools: { slabs: SlabPool; buffers: BufferPool }, broker: Broker) {
    this.#limitBytes = limitBytes;
    this.#slabs = pools.slabs;
    this.#buffers = pools.buffers;
    this.#broker = broker;
  }

  get usedBytes(): number {
    return this.#slabs.usedBytes + this.#buffers.usedBytes;
  }

  /** True while reading is paused. */
  get exhausted(): boolean {
    return this.#paused;
  }

  /** Called after a read and after a run: the two moments when the use changes. */
  check(): void {
    const used = this.usedBytes;
    if (!this.#paused && used > this.#limitBytes) {
      this.#paused = true;
      this.#broker.pause();
    } else if (this.#paused && used <= this.#limitBytes * RESUME_SHARE) {
      this.#paused = false;
      this.#broker.resume();
    }
  }
}
