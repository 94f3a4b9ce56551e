import { BSON } from 'mongodb';
import type { InsertProblem } from '../store.ts';

/** Where a document lies: chunk × 2³² + byte offset. */
type Place = number;
const PLACE_UNIT = 2 ** 32;

/**
 * The documents of one collection, as the BSON bytes they came in.
 *
 *     chunk 0   ┌ document ┬ document ┬ document ┐      one chunk a batch, kept as it arrived
 *     chunk 1   ┌ document ┬ document ┐                 a document's first four bytes are its length
 *     places    id ─▶ chunk, offset
 *
 * A refused document leaves its bytes in the chunk as a hole.
 * Cost: one Map entry a document; a unique index decodes every document that comes.
 */
export class MemoryCollection {
  readonly #name: string;
  readonly #chunks: Uint8Array[] = [];
  readonly #places = new Map<string, Place>();
  /** By field: the values that are taken. */
  readonly #unique = new Map<string, Set<string>>();

  constructor(name: string) {
    this.#name = name;
  }

  get count(): number {
    return this.#places.size;
  }

  /** Keys of all documents, see `idKey`. */
  keys(): IterableIterator<string> {
    return this.#places.keys();
  }

  find(key: string): Record<string, unknown> | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#decode(place);
  }

  /** Documents that are there already must differ in the field; those without it count as having `null`, as in MongoDB. */
  createUniqueIndex(field: string): void {
    const taken = new Set<string>();
    for (const place of this.#places.values()) {
      const value = valueKey(this.#decode(place)[field]);
      if (taken.has(value)) throw new Error(`two documents of '${this.#name}' have the same '${field}'`);
      taken.add(value);
    }
    this.#unique.set(field, taken);
  }

  /**
   * @param chunk - the documents, one behind the other; kept
   * @param keys - their ids, in the same order
   * @returns one entry for each that was not inserted, by its position in `keys`
   */
  insert(chunk: Uint8Array, keys: readonly string[]): InsertProblem[] {
    const problems: InsertProblem[] = [];
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const base = this.#chunks.push(chunk) * PLACE_UNIT - PLACE_UNIT;
    let offset = 0;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as string;
      if (this.#places.has(key)) {
        problems.push({ index, kind: 'duplicate-id', message: `duplicate key in '${this.#name}', index _id_: ${key}` });
      } else {
        const conflict = this.#unique.size === 0 ? undefined : this.#takeUnique(base + offset);
        if (conflict === undefined) this.#places.set(key, base + offset);
        else problems.push({ index, kind: 'conflict', message: conflict });
      }
      offset += view.getInt32(offset, true);
    }
    return problems;
  }

  #takeUnique(place: Place): string | undefined {
    const document = this.#decode(place);
    const wanted = [...this.#unique].map(([field, taken]) => ({ field, taken, value: valueKey(document[field]) }));
    const clash = wanted.find(({ taken, value }) => taken.has(value));
    if (clash !== undefined) return `duplicate key in '${this.#name}', index ${clash.field}: ${clash.value}`;
    for (const { taken, value } of wanted) taken.add(value);
    return undefined;
  }

  #decode(place: Place): Record<string, unknown> {
    const chunk = this.#chunks[Math.floor(place / PLACE_UNIT)] as Uint8Array;
    const offset = place % PLACE_UNIT;
    const length = new DataView(chunk.buffer, chunk.byteOffset + offset, 4).getInt32(0, true);
    return BSON.deserialize(chunk.subarray(offset, offset + length));
  }
}

/** An id as a key: the id itself where it is a string that cannot be mistaken, else `:` and its canonical text. */
export function idKey(id: unknown): string {
  return typeof id === 'string' && id[0] !== ':' ? id : `:${valueKey(id)}`;
}

/** Equal exactly where MongoDB's unique indexes find the values equal: 1, 1n and Int32(1) are the same number. */
function valueKey(value: unknown): string {
  const { stored } = BSON.deserialize(BSON.serialize({ stored: value }, { ignoreUndefined: false }));
  return typeof stored === 'number' || BSON.Long.isLong(stored) ? String(stored) : BSON.EJSON.stringify({ stored });
}
