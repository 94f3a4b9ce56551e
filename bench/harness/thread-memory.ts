/** How much memory a thread holds, and how the main thread asks all others. */

export const MEMORY_CHANNEL = 'millrace.bench.memory';

export interface MemoryQuestion {
  readonly kind: 'question';
}

export interface ThreadMemory {
  readonly kind: 'answer';
  readonly name: string;
  readonly bytes: number;
}

/** Heap and what is outside of it, after a collection. Needs --expose-gc. */
export function heldBytes(): number {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('memory is measured after a collection: start Node with --expose-gc');
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
