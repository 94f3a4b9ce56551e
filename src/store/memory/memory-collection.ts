import { BSON } from 'mongodb';
import type { InsertProblem } from '../store.ts';
import { MemoryFault } from './memory-fault.ts';

/** Where a document lies: chunk × 2³² + byte offset; or its own bytes, for one that did not come in a batch. */
type Place = number | Uint8Array;
const PLACE_UNIT = 2 ** 32;

/** MongoDB's limit, so that a document fails here exactly where it would fail there. */
export const DOCUMENT_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * The documents of one collection, as the BSON bytes they came in.
 *
 *     chunk 0   ┌ document ┬ document ┬ document ┐      one chunk a batch, kept as it arrived
 *     chunk 1   ┌ document ┬ document ┐                 a document's first four bytes are its length
 *     places    id ─▶ chunk, offset                         or the bytes themselves, once it was changed
 *
 * A document that is refused, changed or removed leaves its bytes in the chunk as a hole.
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

  has(key: string): boolean {
    return this.#places.has(key);
  }

  /** The first document that matches, with its key: among all, or only the one with the key that is given. */
  search(
    key: string | undefined,
    matches: (document: Record<string, unknown>) => boolean,
  ): readonly [string, Record<string, unknown>] | undefined {
    for (const candidate of key === undefined ? this.#places.keys() : [key]) {
      const document = this.find(candidate);
      if (document !== undefined && matches(document)) return [candidate, document];
    }
    return undefined;
  }

  /**
   * Inserts the document, or puts it in the place of the one that has its key. Throws MemoryFault, and then has changed
   * nothing. Returns how to undo it.
   */
  put(key: string, document: Readonly<Record<string, unknown>>): () => void {
    const bytes = BSON.serialize(document, { ignoreUndefined: false });
    if (bytes.length >= DOCUMENT_LIMIT_BYTES) {
      throw new MemoryFault('refused', `${bytes.length} bytes of BSON, the limit is ${DOCUMENT_LIMIT_BYTES}`);
    }
    const old = this.#places.get(key);
    if (old !== undefined) this.#freeUnique(old);
    const conflict = this.#takeUnique(bytes);
    if (conflict !== undefined) {
      if (old !== undefined) this.#takeUnique(old);
      throw new MemoryFault('conflict', conflict);
    }
    this.#places.set(key, bytes);
    return () => this.#restore(key, old);
  }

  /** Returns how to undo it. */
  remove(key: string): () => void {
    const old = this.#places.get(key);
    if (old !== undefined) this.#freeUnique(old);
    this.#places.delete(key);
    return () => this.#restore(key, old);
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
        const conflict = this.#takeUnique(base + offset);
        if (conflict === undefined) this.#places.set(key, base + offset);
        else problems.push({ index, kind: 'conflict', message: conflict });
      }
      offset += view.getInt32(offset, true);
    }
    return problems;
  }

  #restore(key: string, old: Place | undefined): void {
    const now = this.#places.get(key);
    if (now !== undefined) this.#freeUnique(now);
    if (old === undefined) this.#places.delete(key);
    else {
      this.#places.set(key, old);
      this.#takeUnique(old);
    }
  }

  #freeUnique(place: Place): void {
    if (this.#unique.size === 0) return;
    const document = this.#decode(place);
    for (const [field, taken] of this.#unique) taken.delete(valueKey(document[field]));
  }

  /** Takes all of the document's values, or none; then it says why. */
  #takeUnique(place: Place): string | undefined {
    if (this.#unique.size === 0) return undefined;
    const document = this.#decode(place);
    const wanted = [...this.#unique].map(([field, taken]) => ({ field, taken, value: valueKey(document[field]) }));
    const clash = wanted.find(({ taken, value }) => taken.has(value));
    if (clash !== undefined) return `duplicate key in '${this.#name}', index ${clash.field}: ${clash.value}`;
    for (const { taken, value } of wanted) taken.add(value);
    return undefined;
  }

  #decode(place: Place): Record<string, unknown> {
    if (typeof place !== 'number') return BSON.deserialize(place);
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
