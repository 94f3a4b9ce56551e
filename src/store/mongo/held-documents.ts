import type { OnceTask, StoreOperation } from '../store.ts';

/** Long enough that looking again costs little, short enough that a freed document is soon written. */
const MEMORY_MS = 2_000;

/**
 * Documents that a transaction was seen to hold which does not end, each for two seconds. Who wants one of them is told at
 * once; after that somebody looks again. Without it every batch that wants such a document would find out for itself,
 * and wait for it.
 *
 * Knows only documents that a filter names by `_id`, and only those of tasks that met the other transaction alone, so at
 * most a handful a call. Cost: nothing while none is known, else a lookup an operation.
 */
export class HeldDocuments {
  /** When each was seen, on `performance.now()`; the oldest first. */
  readonly #seen = new Map<string, number>();

  /** The task was alone in its transaction and met another one for too long. */
  remember(task: OnceTask, nowMs: number): void {
    for (const key of keysOf(task)) {
      this.#seen.delete(key); // so that it moves to the end
      this.#seen.set(key, nowMs);
    }
  }

  /** True while something that was seen is remembered: the transaction that holds it may hold others too. */
  hasAny(nowMs: number): boolean {
    for (const [key, seenMs] of this.#seen) {
      if (nowMs - seenMs < MEMORY_MS) return true;
      this.#seen.delete(key);
    }
    return false;
  }

  wantedBy(task: OnceTask, nowMs: number): boolean {
    return this.hasAny(nowMs) && keysOf(task).some((key) => this.#seen.has(key));
  }
}

function keysOf({ operations }: OnceTask): string[] {
  return operations.flatMap((operation) => {
    const key = keyOf(operation);
    return key === undefined ? [] : [key];
  });
}

function keyOf(operation: StoreOperation): string | undefined {
  if (operation.kind === 'insert') return undefined; // what is not there yet is hardly held
  const id = operation.filter['_id'];
  const plain = typeof id === 'string' || typeof id === 'number' || isObjectId(id);
  return plain ? `${operation.collection}\0${typeof id}\0${String(id)}` : undefined;
}

function isObjectId(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '_bsontype' in value && value._bsontype === 'ObjectId';
}
