/**
 * Memory of one kind lying idle until it is used again, by capacity. It keeps at most `keepBytes` and counts what is
 * handed out: memory that is allocated anew for each batch costs ten times the copy into it (bench/micro/slab.bench.ts).
 */
export class IdlePool<T> {
  readonly #keepBytes: number;
  readonly #idle = new Map<number, T[]>();
  #idleBytes = 0;
  #usedBytes = 0;

  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** Bytes handed out. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Counts the capacity as handed out; undefined when the caller has to allocate it. */
  take(capacity: number): T | undefined {
    this.#usedBytes += capacity;
    const item = this.#idle.get(capacity)?.pop();
    if (item !== undefined) this.#idleBytes -= capacity;
    return item;
  }

  /** Takes back what was handed out; undefined when it is lost. */
  give(capacity: number, item: T | undefined): void {
    this.#usedBytes -= capacity;
    if (item === undefined || this.#idleBytes + capacity > this.#keepBytes) return;
    this.#idleBytes += capacity;
    const idle = this.#idle.get(capacity);
    if (idle === undefined) this.#idle.set(capacity, [item]);
    else idle.push(item);
  }
}
