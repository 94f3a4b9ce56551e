import { BSON } from 'mongodb';
import type { OnceProblem, StoreOperation } from '../store.ts';
import { idKey, type MemoryCollection } from './memory-collection.ts';
import { MemoryFault } from './memory-fault.ts';
import type { EncodedTask } from './memory-protocol.ts';
import {
  checkUpdate,
  type Fields,
  insertedBy,
  insertedInPlace,
  keyOf,
  matcherOf,
  replacementOf,
  updateDocument,
} from './memory-update.ts';

export interface MemoryTransactionsParts {
  collection(name: string): MemoryCollection;
  /** How long applied tasks are remembered. */
  readonly effectMemoryMs: number;
}

type Undo = () => void;

/**
 * Applies tasks to the collections, each whole or not at all: what it has done is undone where a later part fails. Nothing
 * can come between, for all of it happens in one turn of the main thread.
 *
 * Cost: an operation decodes and encodes its document; a filter without an `_id` decodes the collection up to the match.
 * Memory: an entry a task, for as long as it is remembered.
 */
export class MemoryTransactions {
  readonly #parts: MemoryTransactionsParts;
  /** When each task was applied, the oldest first. */
  readonly #applied = new Map<string, number>();

  constructor(parts: MemoryTransactionsParts) {
    this.#parts = parts;
  }

  apply(tasks: readonly EncodedTask[]): OnceProblem[] {
    const now = performance.now();
    this.#forget(now - this.#parts.effectMemoryMs);
    const problems: OnceProblem[] = [];
    tasks.forEach(({ id, operations }, index) => {
      if (this.#applied.has(id)) return;
      const problem = this.#applyAll(operations);
      if (problem === undefined) this.#applied.set(id, now);
      else problems.push({ index, ...problem });
    });
    return problems;
  }

  #forget(before: number): void {
    for (const [id, at] of this.#applied) {
      if (at > before) return;
      this.#applied.delete(id);
    }
  }

  #applyAll(operations: readonly Uint8Array[]): Omit<OnceProblem, 'index'> | undefined {
    const undo: Undo[] = [];
    try {
      for (const bytes of operations) {
        const done = this.#applyOne(BSON.deserialize(bytes) as StoreOperation);
        if (done !== undefined) undo.push(done);
      }
      return undefined;
    } catch (thrown) {
      while (undo.length > 0) undo.pop()?.();
      const kind = thrown instanceof MemoryFault ? thrown.kind : 'refused'; // the library's own errors
      return { kind, message: thrown instanceof Error ? thrown.message : String(thrown) };
    }
  }

  /** Returns how to undo it; undefined where it changed nothing. */
  #applyOne(operation: StoreOperation): Undo | undefined {
    const collection = this.#parts.collection(operation.collection);
    if (operation.kind === 'insert') {
      const key = idKey(operation.document._id);
      if (!collection.has(key)) return collection.put(key, operation.document);
      if (operation.ifAbsent) return undefined;
      throw new MemoryFault('conflict', `duplicate key in '${operation.collection}', index _id_: ${key}`);
    }
    const { filter } = operation;
    if (operation.kind === 'update') checkUpdate(operation.update);
    const [key, document] = collection.search(keyOf(filter), matcherOf(filter)) ?? [];
    if (operation.kind === 'delete') return key === undefined ? undefined : collection.remove(key);
    if (key !== undefined && document !== undefined) return collection.put(key, changed(document, operation));
    if (!operation.upsert) return undefined;
    const inserted =
      operation.kind === 'update' ? insertedBy(filter, operation.update) : insertedInPlace(filter, operation.document);
    const newKey = idKey(inserted['_id']);
    if (!collection.has(newKey)) return collection.put(newKey, inserted);
    throw new MemoryFault('conflict', `duplicate key in '${operation.collection}', index _id_: ${newKey}`);
  }
}

function changed(document: Fields, operation: Extract<StoreOperation, { kind: 'update' | 'replace' }>): Fields {
  return operation.kind === 'update'
    ? updateDocument(document, operation.filter, operation.update)
    : replacementOf(document, operation.document);
}
