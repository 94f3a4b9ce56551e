import { BSON, type Collection, MongoBulkWriteError, type MongoClient, type WriteConcernSettings } from 'mongodb';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { InsertProblem, OnceProblem, OnceTask, StoreDocument, StoreWriter } from '../store.ts';
import { createMongoClient, readMongoAddress } from './mongo-address.ts';
import { TransactionWriter } from './transaction-writer.ts';
import { codeOf, isRefusedCommand, isThrownByDocument, judgeDocument, reasonOf } from './write-verdict.ts';

/** What MongoStore gives each thread; structured-cloneable. */
export interface MongoWriterConfig {
  readonly url: string;
  /** Longest time that one insertMany or applyOnce may take, in ms. Then it is unknown what was stored. */
  readonly timeoutMs: number;
  /** How long applied tasks are remembered, in ms. */
  readonly effectMemoryMs: number;
  /** Connections of this thread, where the URL has no `maxPoolSize`. */
  readonly connections: number;
}

/** The guarantee rests on it, so it is given with each write: there nothing in the URL overrides it. */
const DURABLE: WriteConcernSettings = { w: 'majority', journal: true };

/** Documents of this size and above are refused by the driver. */
const DOCUMENT_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * Called in each thread. Connects nothing yet, the first write does: a thread that is replaced while
 * the store is away must still come up, and learns of it like all the others.
 */
export async function openWriter(config: unknown): Promise<StoreWriter> {
  return new MongoWriter(config as MongoWriterConfig);
}

/**
 * Writes to MongoDB from a thread, where the documents are encoded.
 *
 *     insertMany ─▶ driver encodes ──▶ server ──▶ all stored
 *                       │                ├─▶ writeErrors: each entry judged by itself   ─▶ problems
 *                       │                ├─▶ the request is refused as a whole          ─▶ every document refused
 *                       │                └─▶ no answer, no majority, no permission      ─▶ E_STORE_UNKNOWN
 *                       └─ threw: nothing was sent; find the guilty documents, send the others
 *
 * The driver's `timeoutMS` has no effect in its version 7.9, so the bound is ours: half of it for a silent socket, after
 * which the driver tries once more, and the whole of it for everything.
 *
 * Cost: the driver's insertMany, and one timer a call. `applyOnce` is in transaction-writer.ts.
 */
class MongoWriter implements StoreWriter {
  readonly #client: MongoClient;
  readonly #database: string;
  readonly #target: string;
  readonly #timeoutMs: number;
  readonly #transactions: TransactionWriter;
  #connected: Promise<unknown> | undefined;

  constructor({ url, timeoutMs, effectMemoryMs, connections }: MongoWriterConfig) {
    const address = readMongoAddress(url);
    const half = Math.max(1, Math.floor(timeoutMs / 2));
    this.#client = createMongoClient(address, {
      maxPoolSize: connections,
      socketTimeoutMS: half,
      waitQueueTimeoutMS: half,
      connectTimeoutMS: Math.min(half, 5_000),
      serverSelectionTimeoutMS: Math.min(half, 5_000),
    });
    this.#database = address.database;
    this.#target = address.target;
    this.#timeoutMs = timeoutMs;
    this.#transactions = new TransactionWriter({
      client: this.#client,
      database: address.database,
      effectMemoryMs,
      unknown: (reason, cause) => this.#unknown(reason, cause),
    });
  }

  async insertMany(collection: string, documents: readonly StoreDocument[]): Promise<readonly InsertProblem[]> {
    if (documents.length === 0) return [];
    return this.#withinTime(async () => {
      await this.#connect();
      return this.#insert(this.#client.db(this.#database).collection(collection), documents);
    });
  }

  async applyOnce(tasks: readonly OnceTask[]): Promise<readonly OnceProblem[]> {
    if (tasks.length === 0) return [];
    const deadline = performance.now() + 0.9 * this.#timeoutMs; // before ours, which drops what is known by then
    return this.#withinTime(async () => {
      await this.#connect();
      return this.#transactions.apply(tasks, deadline);
    });
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #withinTime<T>(work: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#unknown(`no answer within ${this.#timeoutMs} ms`)), this.#timeoutMs);
    });
    try {
      return await Promise.race([work(), deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The driver connects by itself only once: a first try that fails leaves it closed, and every write after it fails too. */
  async #connect(): Promise<void> {
    this.#connected ??= this.#client.connect();
    try {
      await this.#connected;
    } catch (thrown) {
      this.#connected = undefined;
      throw this.#unknown(reasonOf(thrown), thrown);
    }
  }

  async #insert(target: Collection, documents: readonly StoreDocument[]): Promise<readonly InsertProblem[]> {
    try {
      await send(target, documents);
      return [];
    } catch (thrown) {
      if (thrown instanceof MongoBulkWriteError) return this.#judge(thrown, documents.length);
      if (!isThrownByDocument(thrown)) throw this.#unknown(reasonOf(thrown), thrown);
      return this.#insertGoodOnes(target, documents);
    }
  }

  /** After the driver refused to send the array, which it does as a whole: sorts out the guilty documents, sends the rest. */
  async #insertGoodOnes(target: Collection, documents: readonly StoreDocument[]): Promise<readonly InsertProblem[]> {
    const problems: InsertProblem[] = [];
    const good: number[] = [];
    documents.forEach((document, index) => {
      const message = whyNotEncodable(document);
      if (message === undefined) good.push(index);
      else problems.push({ index, kind: 'refused', message });
    });
    if (problems.length === 0) {
      if (documents.length > 1) return this.#insertOneByOne(target, documents);
      return [{ index: 0, kind: 'refused', message: 'the driver cannot send it' }];
    }
    if (good.length === 0) return problems;
    const rest = await this.#insert(
      target,
      good.map((index) => documents[index] as StoreDocument),
    );
    return [...problems, ...rest.map((problem) => ({ ...problem, index: good[problem.index] as number }))].sort(
      byIndex,
    );
  }

  /** For documents that fail only sometimes, e.g. by a getter that counts. */
  async #insertOneByOne(target: Collection, documents: readonly StoreDocument[]): Promise<readonly InsertProblem[]> {
    const problems: InsertProblem[] = [];
    for (const [index, document] of documents.entries()) {
      const [problem] = await this.#insert(target, [document]);
      if (problem !== undefined) problems.push({ ...problem, index });
    }
    return problems;
  }

  #judge(error: MongoBulkWriteError, documents: number): readonly InsertProblem[] {
    const concern = error.result.getWriteConcernError();
    if (concern !== undefined) throw this.#unknown(concern.errmsg ?? 'write concern not met', error);
    const entries = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
    if (entries.length === 0) {
      if (!isRefusedCommand(codeOf(error))) throw this.#unknown(reasonOf(error), error);
      return Array.from({ length: documents }, (_, index) => ({ index, kind: 'refused', message: reasonOf(error) }));
    }
    return entries.map(({ index, code, errmsg }) => {
      const message = errmsg ?? `code ${code}`;
      const kind = judgeDocument(code, message);
      if (kind === undefined) throw this.#unknown(`${message} (code ${code})`, error);
      return { index, kind, message };
    });
  }

  #unknown(reason: string, cause?: unknown): RuntimeError {
    const message = `it is not known whether ${this.#target} took the batch: ${reason}`;
    return new RuntimeError('E_STORE_UNKNOWN', message, cause === undefined ? {} : { cause });
  }
}

async function send(target: Collection, documents: readonly StoreDocument[]): Promise<void> {
  await target.insertMany(documents as unknown as { _id: never }[], {
    ordered: false,
    writeConcern: DURABLE,
  });
}

/** Encodes it the way the driver does; the reason where that fails. */
function whyNotEncodable(document: StoreDocument): string | undefined {
  try {
    const bytes = BSON.serialize(document, { ignoreUndefined: false }).length;
    return bytes < DOCUMENT_LIMIT_BYTES ? undefined : `${bytes} bytes of BSON, the limit is ${DOCUMENT_LIMIT_BYTES}`;
  } catch (thrown) {
    return reasonOf(thrown);
  }
}

function byIndex(a: InsertProblem, b: InsertProblem): number {
  return a.index - b.index;
}
