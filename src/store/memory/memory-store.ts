import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { Store, StoreHealth, StoreWriterSpec } from '../store.ts';
import { StoreStateField } from '../store-state.ts';
import { idKey, MemoryCollection } from './memory-collection.ts';
import {
  answersChannel,
  type InsertAnswer,
  type InsertRequest,
  insertsChannel,
  type MemoryWriterConfig,
} from './memory-protocol.ts';

export interface MemoryStoreOptions {
  /**
   * Longest time that writing one batch may take, in ms.
   * @defaultValue `20000`
   */
  readonly writeTimeoutMs?: number;
}

/** What a store that is away does with what still reaches it: loses the documents, or stores them and loses the answer. */
export type AwayMode = 'documents-lost' | 'answers-lost';

/**
 * A document store in this process, for tests, the demo and a first try: what MongoDB does, without a server.
 * Documents live on the main thread; threads send them as BSON (memory-protocol.ts), so that types and sizes have
 * MongoDB's limits. Nothing survives the process.
 *
 * States in store-state.ts; `goAway` and `comeBack` move it as a failing network would.
 * The documents stay readable after `stop`.
 *
 * Cost on the main thread: about 1 µs a document; memory: the BSON bytes and a Map entry.
 */
export class MemoryStore implements Store {
  readonly kind = 'memory';
  readonly #channel = `millrace.memory-store.${randomUUID()}`;
  readonly #writeTimeoutMs: number;
  readonly #state = new StoreStateField();
  readonly #collections = new Map<string, MemoryCollection>();
  #inserts: BroadcastChannel | undefined;
  #answers: BroadcastChannel | undefined;
  #awayMode: AwayMode = 'documents-lost';

  constructor({ writeTimeoutMs = 20_000 }: MemoryStoreOptions = {}) {
    this.#writeTimeoutMs = writeTimeoutMs;
  }

  async start(): Promise<void> {
    this.#state.assertStartable();
    if (this.#state.state !== 'created') return;
    this.#answers = new BroadcastChannel(answersChannel(this.#channel));
    this.#inserts = new BroadcastChannel(insertsChannel(this.#channel));
    this.#inserts.onmessage = (event) => this.#insert((event as { data: InsertRequest }).data);
    // Whoever waits for an answer stays alive by itself; the store alone is no reason for a process to run.
    this.#answers.unref();
    this.#inserts.unref();
    this.#state.moveTo('connected');
  }

  async stop(): Promise<void> {
    this.#inserts?.close();
    this.#answers?.close();
    this.#state.moveTo('stopped');
  }

  health(): StoreHealth {
    return { state: this.#state.state, server: 'memory', reason: this.#state.reason };
  }

  async ping(): Promise<void> {
    if (this.#state.state === 'connected') return;
    throw new RuntimeError(
      'E_STORE_UNREACHABLE',
      `the memory store takes no writes: ${this.#state.reason ?? this.#state.state}`,
    );
  }

  writerSpec(): StoreWriterSpec {
    const config: MemoryWriterConfig = { channel: this.#channel, timeoutMs: this.#writeTimeoutMs };
    const ending = import.meta.url.slice(import.meta.url.lastIndexOf('.')); // .ts under tsx, .js when built
    return { module: new URL(`./memory-writer${ending}`, import.meta.url).href, config };
  }

  count(collection: string): number {
    return this.#collections.get(collection)?.count ?? 0;
  }

  find(collection: string, id: unknown): Record<string, unknown> | undefined {
    return this.#collections.get(collection)?.find(idKey(id));
  }

  /** Ids of all documents: strings as they are, others as `:` and their extended JSON. */
  ids(collection: string): IterableIterator<string> {
    return this.#collection(collection).keys();
  }

  createUniqueIndex(collection: string, field: string): void {
    this.#collection(collection).createUniqueIndex(field);
  }

  /** For tests: from now on `ping` and all writes fail, until `comeBack`. */
  goAway(mode: AwayMode = 'documents-lost'): void {
    this.#state.moveTo('away', 'it was sent away');
    this.#awayMode = mode;
  }

  comeBack(): void {
    this.#state.moveTo('connected');
  }

  #insert({ writer, sequence, collection, bytes, keys }: InsertRequest): void {
    const away = this.#state.state === 'away';
    const lost = away && this.#awayMode === 'documents-lost';
    const problems = lost ? undefined : this.#collection(collection).insert(bytes, keys);
    const answer: InsertAnswer = away
      ? { writer, sequence, problems: undefined, reason: 'it was sent away' }
      : { writer, sequence, problems };
    this.#answers?.postMessage(answer);
  }

  #collection(name: string): MemoryCollection {
    let collection = this.#collections.get(name);
    if (collection === undefined) {
      collection = new MemoryCollection(name);
      this.#collections.set(name, collection);
    }
    return collection;
  }
}
