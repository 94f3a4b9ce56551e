import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import { BSON } from 'mongodb';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { InsertProblem, OnceProblem, OnceTask, StoreDocument, StoreOperation, StoreWriter } from '../store.ts';
import { DOCUMENT_LIMIT_BYTES, idKey } from './memory-collection.ts';
import {
  answersChannel,
  type EncodedTask,
  type InsertRequest,
  type MemoryAnswer,
  type MemoryWriterConfig,
  type OnceRequest,
  requestsChannel,
} from './memory-protocol.ts';

/** Called in each thread; also works in the store's own. */
export async function openWriter(config: unknown): Promise<StoreWriter> {
  return new MemoryWriter(config as MemoryWriterConfig);
}

interface Waiting {
  readonly resolve: (problems: readonly (InsertProblem | OnceProblem)[]) => void;
  readonly reject: (error: RuntimeError) => void;
  readonly timer: NodeJS.Timeout;
}

/** A batch's documents as they travel; `refused` never leave the thread. */
interface Encoded {
  readonly bytes: Uint8Array;
  readonly keys: string[];
  /** Position in the caller's array of each document that is in `bytes`. */
  readonly origins: number[];
  readonly refused: InsertProblem[];
}

/**
 * Writes to the MemoryStore from a thread: encodes BSON here, as the MongoDB writer does, and sends the bytes.
 *
 * Keeps its thread alive only while it waits for an answer.
 * Cost: encoding, one copy of the bytes and one message each way a call.
 */
class MemoryWriter implements StoreWriter {
  readonly #id = randomUUID();
  readonly #channel: string;
  readonly #timeoutMs: number;
  readonly #answers: BroadcastChannel;
  readonly #waiting = new Map<number, Waiting>();
  #sequence = 0;

  constructor({ channel, timeoutMs }: MemoryWriterConfig) {
    this.#channel = channel;
    this.#timeoutMs = timeoutMs;
    this.#answers = new BroadcastChannel(answersChannel(channel));
    this.#answers.onmessage = (event) => this.#settle((event as { data: MemoryAnswer }).data);
    this.#answers.unref();
  }

  async insertMany(collection: string, documents: readonly StoreDocument[]): Promise<readonly InsertProblem[]> {
    if (documents.length === 0) return [];
    const badName = whyNotCollection(collection);
    if (badName !== undefined) return documents.map((_, index) => ({ index, kind: 'refused', message: badName }));
    const { bytes, keys, origins, refused } = encode(documents);
    if (keys.length === 0) return refused;
    const sequence = ++this.#sequence;
    const request: InsertRequest = { kind: 'insert', writer: this.#id, sequence, collection, bytes, keys };
    return merge(refused, (await this.#ask(request)) as readonly InsertProblem[], origins);
  }

  async applyOnce(tasks: readonly OnceTask[]): Promise<readonly OnceProblem[]> {
    const refused: OnceProblem[] = [];
    const encoded: EncodedTask[] = [];
    const origins: number[] = [];
    tasks.forEach(({ id, operations }, index) => {
      try {
        encoded.push({ id, operations: operations.map(encodeOperation) });
        origins.push(index);
      } catch (thrown) {
        refused.push({ index, kind: 'refused', message: thrown instanceof Error ? thrown.message : String(thrown) });
      }
    });
    if (encoded.length === 0) return refused;
    const request: OnceRequest = { kind: 'once', writer: this.#id, sequence: ++this.#sequence, tasks: encoded };
    return merge(refused, (await this.#ask(request)) as readonly OnceProblem[], origins);
  }

  async close(): Promise<void> {
    this.#answers.close();
    for (const sequence of [...this.#waiting.keys()]) this.#fail(sequence, 'the writer was closed');
  }

  #ask(request: InsertRequest | OnceRequest): Promise<readonly (InsertProblem | OnceProblem)[]> {
    const { sequence } = request;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(sequence, `no answer within ${this.#timeoutMs} ms`), this.#timeoutMs);
      this.#waiting.set(sequence, { resolve, reject, timer });
      const requests = new BroadcastChannel(requestsChannel(this.#channel));
      requests.postMessage(request);
      requests.close();
    });
  }

  #settle(answer: MemoryAnswer): void {
    if (answer.writer !== this.#id) return;
    if (answer.problems === undefined) this.#fail(answer.sequence, answer.reason ?? 'the store is away');
    else this.#take(answer.sequence)?.resolve(answer.problems);
  }

  #fail(sequence: number, reason: string): void {
    const message = `it is not known whether the memory store took the batch: ${reason}`;
    this.#take(sequence)?.reject(new RuntimeError('E_STORE_UNKNOWN', message));
  }

  /** Undefined for an answer that came after its deadline. */
  #take(sequence: number): Waiting | undefined {
    const waiting = this.#waiting.get(sequence);
    clearTimeout(waiting?.timer);
    this.#waiting.delete(sequence);
    return waiting;
  }
}

/** The store's problems, under the caller's positions, among those that never reached it. */
function merge<P extends { readonly index: number }>(
  refused: readonly P[],
  problems: readonly P[],
  origins: readonly number[],
): readonly P[] {
  if (refused.length === 0) return problems;
  const rest = problems.map((problem) => ({ ...problem, index: origins[problem.index] as number }));
  return [...refused, ...rest].sort((a, b) => a.index - b.index);
}

/** Throws for what MongoDB or its driver would refuse before looking at what is stored. */
function encodeOperation(operation: StoreOperation): Uint8Array {
  const badName = whyNotCollection(operation.collection);
  if (badName !== undefined) throw new TypeError(badName);
  if (operation.kind === 'insert') encodeOne(operation.document);
  const bytes = BSON.serialize(operation, { ignoreUndefined: false });
  if (bytes.length < DOCUMENT_LIMIT_BYTES) return bytes;
  throw new RangeError(`${bytes.length} bytes of BSON, the limit is ${DOCUMENT_LIMIT_BYTES}`);
}

function encode(documents: readonly StoreDocument[]): Encoded {
  const encoded: Uint8Array[] = [];
  const keys: string[] = [];
  const origins: number[] = [];
  const refused: InsertProblem[] = [];
  let total = 0;
  documents.forEach((document, index) => {
    try {
      const bytes = encodeOne(document);
      keys.push(idKey(document._id));
      encoded.push(bytes);
      origins.push(index);
      total += bytes.length;
    } catch (thrown) {
      refused.push({ index, kind: 'refused', message: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  });
  const bytes = new Uint8Array(total); // memory of its own: a view of a pool would be copied with the whole pool
  let offset = 0;
  for (const one of encoded) {
    bytes.set(one, offset);
    offset += one.length;
  }
  return { bytes, keys, origins, refused };
}

function encodeOne(document: StoreDocument): Uint8Array {
  const { _id: id } = document;
  if (Array.isArray(id) || id instanceof RegExp)
    throw new TypeError(`an _id cannot be ${Array.isArray(id) ? 'an array' : 'a pattern'}`);
  const bytes = BSON.serialize(document, { ignoreUndefined: false });
  if (bytes.length < DOCUMENT_LIMIT_BYTES) return bytes;
  throw new RangeError(`${bytes.length} bytes of BSON, the limit is ${DOCUMENT_LIMIT_BYTES}`);
}

function whyNotCollection(name: string): string | undefined {
  const valid = name !== '' && !/[$\0]/.test(name) && !name.startsWith('system.');
  return valid
    ? undefined
    : `'${name}' is no collection name: not empty, without $ and NUL, not starting with 'system.'`;
}
