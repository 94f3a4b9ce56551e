import { getHeapStatistics } from 'node:v8';

const LOOK_EVERY_MS = 1_000;
const BYTES_PER_MIB = 1024 * 1024;

/**
 * The heap that this thread uses, looked up once a second at most; between looks it says what it saw last.
 *
 * Cost: asking V8 takes about 1 µs, otherwise a comparison.
 */
export class HeapGauge {
  #usedMiB = 0;
  #nextLookMs = Number.NEGATIVE_INFINITY;

  /** Whole MiB, at least 1. @param nowMs - on any clock that never goes back, always the same */
  usedMiB(nowMs: number): number {
    if (nowMs >= this.#nextLookMs) {
      this.#nextLookMs = nowMs + LOOK_EVERY_MS;
      this.#usedMiB = Math.ceil(getHeapStatistics().used_heap_size / BYTES_PER_MIB);
    }
    return this.#usedMiB;
  }
}
