const SMALLEST_BYTES = 1 << 14;

/**
 * ArrayBuffers that travel to a thread and come back, by powers of two from 16 KiB. Of those lying idle it keeps at
 * most `keepBytes`. Reuse matters: a fresh buffer costs ten times the copy into it (bench/micro/slab.bench.ts).
 */
export class BufferPool {
  readonly #keepBytes: number;
  readonly #idle = new Map<number, ArrayBuffer[]>();
  #idleBytes = 0;
  #usedBytes = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** Bytes of the buffers handed out. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  take(bytes: number): ArrayBuffer {
    const capacity = Math.max(SMALLEST_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
    this.#usedBytes += capacity;
    const idle = this.#idle.get(capacity)?.pop();
    if (idle === undefined) return new ArrayBuffer(capacity);
    this.#idleBytes -= capacity;
    return idle;
  }

  /**
   * @param takenBytes - `byteLength` at the time of `take`: a detached buffer no longer knows
   * @param returned - what came back, which need not be the same buffer; undefined when it was lost with its thread
   */
  give(takenBytes: number, returned: ArrayBuffer | undefined): void {
    this.#usedBytes -= takenBytes;
    if (returned === undefined || returned.byteLength !== takenBytes) return;
    if (this.#idleBytes + takenBytes > this.#keepBytes) return;
    this.#idleBytes += takenBytes;
    const idle = this.#idle.get(takenBytes);
    if (idle === undefined) this.#idle.set(takenBytes, [returned]);
    else idle.push(returned);
  }
}
