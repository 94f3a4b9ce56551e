/** Counts the documents that a run left in a store, id by id. */
import { indexOf } from './message-source.ts';

export interface StoredSummary {
  readonly documents: number;
  /** Messages that have their document. */
  readonly distinct: number;
}

export class StoredTally {
  readonly #seed: number;
  readonly #seen: Uint8Array;
  #documents = 0;
  #distinct = 0;

  constructor(seed: number, messages: number) {
    this.#seed = seed;
    this.#seen = new Uint8Array(messages);
  }

  take(id: unknown): void {
    this.#documents++;
    const index = indexOf(this.#seed, id);
    if (index < 0 || index >= this.#seen.length || this.#seen[index] === 1) return;
    this.#seen[index] = 1;
    this.#distinct++;
  }

  summary(): StoredSummary {
    return { documents: this.#documents, distinct: this.#distinct };
  }
}

/** Contenders are comparable only if they write the same documents. Throws on one of another shape. */
export function checkShape(document: Readonly<Record<string, unknown>>): void {
  const keys = Object.keys(document).sort().join(',');
  if (keys === '_id,args,at' && document['at'] instanceof Date && Array.isArray(document['args'])) return;
  throw new Error(`the contender wrote documents of another shape: ${JSON.stringify(document).slice(0, 300)}`);
}
