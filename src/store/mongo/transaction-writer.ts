import { BSON, type ClientSession, type Db, type MongoClient, type TransactionOptions } from 'mongodb';
import { isRuntimeError, type RuntimeError } from '../../errors/runtime-error.ts';
import type { OnceProblem, OnceTask } from '../store.ts';
import { AppliedMarks } from './applied-marks.ts';
import { arrangeWrites, type CollectionWrites, type WriteOrigin } from './arrange-writes.ts';
import { HeldDocuments } from './held-documents.ts';
import { isDuplicateKey, judgeTransaction, judgeWrite, reasonOf, type TransactionVerdict } from './write-verdict.ts';

/** Larger ones were not measurably faster, and meet each other twice as often (docs/decisions/0041). */
const CHUNK_TASKS = 200;
/** A transaction is kept in the server's memory, and is one entry in its log. */
const CHUNK_BYTES = 8 * 1024 * 1024;

/** How often a chunk survives a connection that breaks or a server that changes its role; a store that stays away is the runtime's to wait for. */
const MAX_DISTURBANCES = 2;
/** At most, and half of it on average: about as long as a transaction takes. Who comes back sooner mostly meets it again. */
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;
/**
 * Two transactions that meet are over in milliseconds. Who still holds documents after this time is mostly dead: a thread
 * or process that ended in the middle of its transaction, which the server gives up after a minute by default. Then the
 * tasks that want those documents are found and given back, so that they hold up no others.
 */
const CONTENTION_MS = 1_000;
/** The same while such a transaction is known: what else it holds is most likely held by it, too. */
const KNOWN_CONTENTION_MS = 100;
/** So many times a chunk is halved to find them; then all that is left of it is given back. */
const MOST_CONTENDED_CHUNKS = 16;
/** Fewer attempts of a chunk say nothing: a document that many change is held by one of them most of the time. */
const FEWEST_CONTENDED_ATTEMPTS = 3;

/** `snapshot`, so that a mark that was seen cannot be lost in a failover, once the transaction is committed. */
const DURABLE_TRANSACTION: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true },
  readPreference: 'primary',
};

export interface TransactionWriterParts {
  readonly client: MongoClient;
  readonly database: string;
  /** How long marks are kept. */
  readonly effectMemoryMs: number;
  /** Makes the error that says that it is not known what was applied. */
  readonly unknown: (reason: string, cause?: unknown) => RuntimeError;
}

/** What is known of one call. */
interface Call {
  /** No new transaction after it, on `performance.now()`. */
  readonly deadline: number;
  /** When it began to meet other transactions; undefined before. */
  contendedSince: number | undefined;
  contendedChunks: number;
  /** What the store said when it last answered that another transaction is in the way; the time may run out with that. */
  contention: string | undefined;
  /** By task id. */
  readonly problems: Map<string, Omit<OnceProblem, 'index'>>;
  /** Ids of tasks that are neither applied nor have a problem yet. */
  readonly open: Set<string>;
}

/** It met another transaction for too long. */
interface Contended {
  readonly kind: 'contended';
  readonly message: string;
}

/** A transaction that a task of it, or all of them, made impossible. */
interface Failed {
  readonly verdict: Extract<TransactionVerdict, { kind: 'fault' | 'unsupported' }> | Contended;
  /** The write that is to blame, where it is known. */
  readonly origin: WriteOrigin | undefined;
}

/**
 * Applies tasks once: many of them in one transaction, which also writes a mark for each.
 *
 *     ┌ transaction ────────────────────────────────────────────────────┐
 *     │ marks of all tasks ─▶ their writes, collection after collection │─▶ commit: majority, on disk ─▶ applied
 *     └──┬──────────────────────┬─────────────────────────────────────┬─┘
 *        │ a mark is there      │ a write is refused                  │ another transaction, the network
 *        ▼                      ▼                                     ▼
 *     the same again,         without its task, in two halves;      a pause, then the same again,
 *     looking for marks       one that is alone has its verdict     looking for marks
 *
 * Nobody needs to know how a commit whose answer was lost has ended: whoever comes next finds the marks or does not.
 * The marks' own `_id` index lets only one of two transactions with the same task through.
 *
 * Cost for each transaction: one request for the marks, one or more a collection, one for the commit with its sync to
 * disk. A commit that nobody waits for any more (the process has died) holds its documents until the server gives
 * it up, a minute by default.
 */
export class TransactionWriter {
  readonly #client: MongoClient;
  readonly #db: Db;
  readonly #marks: AppliedMarks;
  readonly #held = new HeldDocuments();
  readonly #unknown: TransactionWriterParts['unknown'];

  constructor({ client, database, effectMemoryMs, unknown }: TransactionWriterParts) {
    this.#client = client;
    this.#db = client.db(database, { readPreference: 'primary' }); // the URL may say otherwise, transactions may not
    this.#marks = new AppliedMarks(effectMemoryMs);
    this.#unknown = unknown;
  }

  /**
   * The same id twice is one task. The client is connected. Rejects only when nothing is known of any task: a batch of bad
   * ones may take longer than there is time, and must still come to an end over several calls.
   * @param deadline - on `performance.now()`; an attempt that has begun may end after it
   */
  async apply(tasks: readonly OnceTask[], deadline: number): Promise<readonly OnceProblem[]> {
    await this.#prepare();
    const distinct = new Map<string, OnceTask>();
    for (const task of tasks) if (!distinct.has(task.id)) distinct.set(task.id, task);
    const call: Call = {
      deadline,
      contendedSince: undefined,
      contendedChunks: 0,
      contention: undefined,
      problems: new Map(),
      open: new Set(distinct.keys()),
    };
    try {
      for (const chunk of cut(this.#withoutHeld([...distinct.values()], call))) await this.#applyChunk(chunk, call);
    } catch (thrown) {
      if (call.open.size === distinct.size || !isRuntimeError(thrown, 'E_STORE_UNKNOWN')) throw thrown;
      for (const id of call.open) call.problems.set(id, { kind: 'unknown', message: thrown.message });
    }
    return tasks.flatMap(({ id }, index) => {
      const problem = call.problems.get(id);
      return problem === undefined ? [] : [{ index, ...problem }];
    });
  }

  #withoutHeld(tasks: readonly OnceTask[], call: Call): readonly OnceTask[] {
    const now = performance.now();
    if (!this.#held.hasAny(now)) return tasks;
    return tasks.filter((task) => {
      const held = this.#held.wantedBy(task, now);
      if (held) giveUp(task, call, 'contended', 'it was held a moment ago');
      return !held;
    });
  }

  async #prepare(): Promise<void> {
    try {
      await this.#marks.prepare(this.#db);
    } catch (thrown) {
      throw this.#unknown(reasonOf(thrown), thrown);
    }
  }

  /** Applies all that can be applied, and notes the problems of the others. */
  async #applyChunk(tasks: readonly OnceTask[], call: Call): Promise<void> {
    if (tasks.length === 0) return;
    const failed = await this.#applyTogether(tasks, call);
    if (failed === undefined) {
      for (const { id } of tasks) call.open.delete(id);
      if (call.contendedChunks === 0) call.contendedSince = undefined; // those that it met are alive
      return;
    }
    const { verdict, origin } = failed;
    if (verdict.kind === 'unsupported' && verdict.everywhere) {
      for (const task of tasks) giveUp(task, call, 'unsupported', verdict.message);
      return;
    }
    if (verdict.kind === 'contended' && hasSearchedEnough(tasks, call)) {
      if (tasks.length === 1) this.#held.remember(tasks[0] as OnceTask, performance.now());
      for (const task of tasks) giveUp(task, call, 'contended', verdict.message);
      return;
    }
    const guilty = origin?.task ?? (tasks.length === 1 ? tasks[0] : undefined);
    const others = tasks.filter((task) => task !== guilty);
    const half = Math.floor(others.length / 2);
    if (guilty !== undefined) await this.#applyWithout(guilty, failed, call);
    await this.#applyChunk(others.slice(0, half), call);
    await this.#applyChunk(others.slice(half), call);
  }

  /** An insert whose id is there already and proves that it was stored is left out; anything else is the task's end. */
  async #applyWithout(task: OnceTask, { verdict, origin }: Failed, call: Call): Promise<void> {
    const { message } = verdict;
    if (verdict.kind !== 'fault') return giveUp(task, call, verdict.kind, message);
    const { operation } = origin ?? {};
    if (verdict.problem === 'duplicate-id' && operation?.kind === 'insert' && operation.ifAbsent) {
      const operations = task.operations.filter((other) => other !== operation);
      return this.#applyChunk([{ id: task.id, operations }], call);
    }
    giveUp(task, call, verdict.problem === 'refused' ? 'refused' : 'conflict', message);
  }

  /** One transaction, as often as it takes; undefined when it is committed. */
  async #applyTogether(tasks: readonly OnceTask[], call: Call): Promise<Failed | undefined> {
    let disturbances = 0;
    let contentions = 0;
    for (let attempt = 0; ; attempt++) {
      if (performance.now() >= call.deadline) return this.#outOfTime(call, 'it took too long');
      const transaction = new Transaction(this.#client.startSession(), this.#db, this.#marks);
      // Looking for marks first would cost every transaction a request, and hardly any has one.
      const thrown = await transaction.run(tasks, attempt > 0);
      if (thrown === undefined) return undefined;
      const { verdict, origin, cause } = thrown;
      if (verdict.kind === 'fault' || verdict.kind === 'unsupported') return { verdict, origin };
      if (verdict.kind === 'unknown') throw this.#unknown(reasonOf(cause), cause);
      if (verdict.why === 'contended') {
        call.contention = reasonOf(cause);
        contentions++;
        if (this.#hasWaited(call) && contentions >= FEWEST_CONTENDED_ATTEMPTS) return contended(call.contention);
      } else {
        call.contention = undefined; // whether the store is well is not known
        if (++disturbances > MAX_DISTURBANCES) throw this.#unknown(reasonOf(cause), cause);
      }
      const pauseMs = Math.random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
      if (performance.now() + pauseMs >= call.deadline) return this.#outOfTime(call, reasonOf(cause), cause);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Throws what is unknown, unless the store has said that only another transaction is in the way. */
  #outOfTime({ contention }: Call, reason: string, cause?: unknown): Failed {
    if (contention === undefined) throw this.#unknown(reason, cause);
    return contended(contention);
  }

  #hasWaited(call: Call): boolean {
    const now = performance.now();
    call.contendedSince ??= now;
    return now - call.contendedSince >= (this.#held.hasAny(now) ? KNOWN_CONTENTION_MS : CONTENTION_MS);
  }
}

/** A chunk that met another transaction is halved to find who wants its documents, but not for ever. */
function hasSearchedEnough(tasks: readonly OnceTask[], call: Call): boolean {
  return tasks.length === 1 || ++call.contendedChunks > MOST_CONTENDED_CHUNKS || performance.now() >= call.deadline;
}

function contended(message: string): Failed {
  return { verdict: { kind: 'contended', message }, origin: undefined };
}

function giveUp({ id }: OnceTask, { open, problems }: Call, kind: OnceProblem['kind'], message: string): void {
  open.delete(id);
  problems.set(id, { kind, message });
}

interface Thrown {
  readonly verdict: TransactionVerdict;
  readonly origin: WriteOrigin | undefined;
  readonly cause: unknown;
}

/** One attempt. */
class Transaction {
  readonly #session: ClientSession;
  readonly #db: Db;
  readonly #marks: AppliedMarks;

  constructor(session: ClientSession, db: Db, marks: AppliedMarks) {
    this.#session = session;
    this.#db = db;
    this.#marks = marks;
  }

  /** Undefined when it is committed. Never rejects. */
  async run(tasks: readonly OnceTask[], lookFirst: boolean): Promise<Thrown | undefined> {
    try {
      this.#session.startTransaction(DURABLE_TRANSACTION);
      const wanted = lookFirst ? await this.#marks.without(this.#db, tasks, this.#session) : tasks;
      if (wanted.length > 0) {
        const problem = (await this.#mark(wanted)) ?? (await this.#write(arrangeWrites(wanted)));
        if (problem !== undefined) return problem;
      }
      await this.#session.commitTransaction();
      return undefined;
    } catch (cause) {
      return { verdict: judgeTransaction(cause), origin: undefined, cause };
    } finally {
      await this.#session.endSession(); // aborts what is not committed
    }
  }

  async #mark(tasks: readonly OnceTask[]): Promise<Thrown | undefined> {
    try {
      await this.#marks.add(this.#db, tasks, this.#session);
      return undefined;
    } catch (cause) {
      if (!isDuplicateKey(cause)) throw cause;
      return { verdict: { kind: 'again', why: 'contended' }, origin: undefined, cause };
    }
  }

  async #write(collections: readonly CollectionWrites[]): Promise<Thrown | undefined> {
    for (const { collection, models, origins } of collections) {
      try {
        await this.#db.collection(collection).bulkWrite(models, { session: this.#session, ordered: true });
      } catch (cause) {
        const verdict = judgeWrite(cause);
        const write = verdict.kind === 'fault' ? verdict.write : undefined;
        return { verdict, origin: write === undefined ? undefined : origins[write], cause };
      }
    }
    return undefined;
  }
}

/** Chunks of at most CHUNK_TASKS tasks and, but for a single task, CHUNK_BYTES. */
function* cut(tasks: readonly OnceTask[]): Generator<readonly OnceTask[]> {
  let chunk: OnceTask[] = [];
  let bytes = 0;
  for (const task of tasks) {
    const size = sizeOf(task);
    if (chunk.length === CHUNK_TASKS || (chunk.length > 0 && bytes + size > CHUNK_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(task);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

/** 0 for what cannot be encoded: the transaction will say so. */
function sizeOf({ operations }: OnceTask): number {
  try {
    return BSON.calculateObjectSize({ operations }, { ignoreUndefined: false });
  } catch {
    return 0;
  }
}
