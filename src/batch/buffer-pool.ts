import { IdlePool } from './idle-pool.ts';

const SMALLEST_BYTES = 1 << 14;

/** ArrayBuffers that travel to a thread and come back, by powers of two from 16 KiB. */
export class BufferPool {
  readonly #buffers: IdlePool<ArrayBuffer>;

  /** @param keepBytes - of buffers lying idle, at most */
  constructor(keepBytes: number) {
    this.#buffers = new IdlePool(keepBytes);
  }

  /** Bytes of the buffers handed out. */
  get usedBytes(): number {
    return this.#buffers.usedBytes;
  }

  take(bytes: number): ArrayBuffer {
    const capacity = Math.max(SMALLEST_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
    return this.#buffers.take(capacity) ?? new ArrayBuffer(capacity);
  }

  /**
   * @param takenBytes - `byteLength` at the time of `take`: a detached buffer no longer knows
   * @param returned - what came back, which need not be the same buffer; undefined when it was lost with its thread
   */
  give(takenBytes: number, returned: ArrayBuffer | undefined): void {
    this.#buffers.give(takenBytes, returned?.byteLength === takenBytes ? returned : undefined);
  }
}
