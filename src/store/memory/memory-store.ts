import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { Store, StoreHealth, StoreWriterSpec } from '../store.ts';
import { StoreStateField } from '../store-state.ts';
import { idKey, MemoryCollection } from './memory-collection.ts';
import {
  answersChannel,
  type MemoryAnswer,
  type MemoryRequest,
  type MemoryWriterConfig,
  type OnceRequest,
  requestsChannel,
} from './memory-protocol.ts';
import type { MemoryTransactions } from './memory-transactions.ts';

export interface MemoryStoreOptions {
  /**
   * Longest time that writing one batch may take, in ms.
   * @defaultValue `20000`
   */
  readonly writeTimeoutMs?: number;
  /**
   * How long the ids of tasks that updated, replaced or deleted are kept, in ms: a message that comes again later than this
   * does its work twice.
   * @defaultValue `604800000`, seven days
   */
  readonly effectMemoryMs?: number;
}

const SENT_AWAY = 'it was sent away';

const WEEK_MS = 7 * 24 * 60 * 60 * 1_000;

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
 * Cost on the main thread: about 1 µs a document; memory: the BSON bytes and a Map entry. Updates, replacements and
 * deletions cost more (memory-transactions.ts).
 */
export class MemoryStore implements Store {
  readonly kind = 'memory';
  readonly #channel = `millrace.memory-store.${randomUUID()}`;
  readonly #writeTimeoutMs: number;
  readonly #effectMemoryMs: number;
  readonly #state = new StoreStateField();
  readonly #collections = new Map<string, MemoryCollection>();
  #requests: BroadcastChannel | undefined;
  #answers: BroadcastChannel | undefined;
  #awayMode: AwayMode = 'documents-lost';
  #transactions: Promise<MemoryTransactions> | undefined;

  constructor({ writeTimeoutMs = 20_000, effectMemoryMs = WEEK_MS }: MemoryStoreOptions = {}) {
    this.#writeTimeoutMs = writeTimeoutMs;
    this.#effectMemoryMs = effectMemoryMs;
  }

  async start(): Promise<void> {
    this.#state.assertStartable();
    if (this.#state.state !== 'created') return;
    this.#answers = new BroadcastChannel(answersChannel(this.#channel));
    this.#requests = new BroadcastChannel(requestsChannel(this.#channel));
    this.#requests.onmessage = (event) => this.#take((event as { data: MemoryRequest }).data);
    // Whoever waits for an answer stays alive by itself; the store alone is no reason for a process to run.
    this.#answers.unref();
    this.#requests.unref();
    this.#state.moveTo('connected');
  }

  async stop(): Promise<void> {
    this.#requests?.close();
    this.#answers?.close();
    this.#answers = undefined; // what is still under way gives its answer to nobody
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
    this.#state.moveTo('away', SENT_AWAY);
    this.#awayMode = mode;
  }

  comeBack(): void {
    this.#state.moveTo('connected');
  }

  #take(request: MemoryRequest): void {
    if (this.#state.state === 'away' && this.#awayMode === 'documents-lost') this.#refuse(request, SENT_AWAY);
    else if (request.kind === 'once') void this.#applyOnce(request);
    else this.#answer(request, this.#collection(request.collection).insert(request.bytes, request.keys));
  }

  /** Asynchronous at the first call, which loads what it takes. */
  async #applyOnce(request: OnceRequest): Promise<void> {
    try {
      this.#transactions ??= import('./memory-transactions.ts').then(
        ({ MemoryTransactions: Transactions }) =>
          new Transactions({ collection: (name) => this.#collection(name), effectMemoryMs: this.#effectMemoryMs }),
      );
      const transactions = await this.#transactions;
      this.#answer(request, transactions.apply(request.tasks));
    } catch (thrown) {
      this.#transactions = undefined;
      this.#refuse(request, thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  #answer(request: MemoryRequest, problems: MemoryAnswer['problems']): void {
    if (this.#state.state === 'away') return this.#refuse(request, SENT_AWAY); // done, and its answer is lost
    this.#answers?.postMessage({ writer: request.writer, sequence: request.sequence, problems } satisfies MemoryAnswer);
  }

  #refuse({ writer, sequence }: MemoryRequest, reason: string): void {
    this.#answers?.postMessage({ writer, sequence, problems: undefined, reason } satisfies MemoryAnswer);
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
