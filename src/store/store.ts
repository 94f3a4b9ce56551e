/**
 * What the runtime knows of a document store. Adapters: mongo/ (MongoDB), memory/ (this process).
 * test/contract/exercise-store.ts says what each of them must do.
 *
 * Two sides, because documents are encoded and written in the threads:
 *
 *     main thread                          thread
 *     Store: start, ping, stop   ──spec──▶ StoreWriter: insertMany, applyOnce
 */
import type { Service } from '../support/service.ts';

export type StoreDocument = Readonly<Record<string, unknown>> & { readonly _id: unknown };

/** How a thread opens its own writer; structured-cloneable. `module` is imported in the thread, on demand. */
export interface StoreWriterSpec {
  /** URL of a module with `openWriter(config): Promise<StoreWriter>`. */
  readonly module: string;
  readonly config: unknown;
}

export interface StoreHealth {
  readonly state: 'created' | 'connected' | 'away' | 'stopped';
  /** Product and version as the server names itself, e.g. `MongoDB 8.0.4`. */
  readonly server: string | undefined;
  readonly reason: string | undefined;
}

/** `start` rejects with E_STORE_URL, E_STORE_AUTH or E_STORE_UNREACHABLE. */
export interface Store extends Service {
  readonly kind: string;
  health(): StoreHealth;
  /** Resolves when the store can take writes now; rejects with E_STORE_UNREACHABLE within a few seconds. */
  ping(): Promise<void>;
  writerSpec(): StoreWriterSpec;
}

/** What became of one document that was not simply inserted. */
export interface InsertProblem {
  /** Position in the array given to `insertMany`. */
  readonly index: number;
  /** `duplicate-id`: the index `_id_` already has it · `conflict`: another unique index · `refused`: for what it is. */
  readonly kind: 'duplicate-id' | 'conflict' | 'refused';
  readonly message: string;
}

/**
 * One write of a task whose writes are applied together. `ifAbsent`: one whose `_id` is there already counts as stored.
 * `upsert`: insert where nothing matches.
 */
export type StoreOperation =
  | {
      readonly kind: 'insert';
      readonly collection: string;
      readonly document: StoreDocument;
      readonly ifAbsent: boolean;
    }
  | {
      readonly kind: 'update';
      readonly collection: string;
      readonly filter: Readonly<Record<string, unknown>>;
      /** Operators, or a pipeline. */
      readonly update: Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[];
      readonly upsert: boolean;
    }
  | {
      readonly kind: 'replace';
      readonly collection: string;
      readonly filter: Readonly<Record<string, unknown>>;
      readonly document: Readonly<Record<string, unknown>>;
      readonly upsert: boolean;
    }
  | { readonly kind: 'delete'; readonly collection: string; readonly filter: Readonly<Record<string, unknown>> };

/** All that one task writes, in its order: applied once for its id, all of it or nothing. */
export interface OnceTask {
  readonly id: string;
  readonly operations: readonly StoreOperation[];
}

/**
 * A task that is not known to be applied. But for `unknown` nothing of it was; but for `unknown` and `contended` that will
 * not change.
 */
export interface OnceProblem {
  /** Position in the array given to `applyOnce`. */
  readonly index: number;
  /**
   * `conflict`: a unique index · `refused`: for what it is · `unsupported`: this server has no transactions ·
   * `contended`: another transaction holds one of its documents, and has for a while; later it may be free ·
   * `unknown`: the store did not say, or there was no time left; ask again.
   */
  readonly kind: 'conflict' | 'refused' | 'unsupported' | 'contended' | 'unknown';
  readonly message: string;
}

export interface StoreWriter {
  /**
   * Inserts all documents, unordered: a problem with one never harms another.
   * Resolves with one entry for each document that was NOT inserted; all others are durably stored (write concern
   * majority). Rejects with E_STORE_UNKNOWN when for any document it is not known: write the whole array again.
   */
  insertMany(collection: string, documents: readonly StoreDocument[]): Promise<readonly InsertProblem[]>;
  /**
   * Applies each task's operations in one transaction together with a mark of its id; a task whose mark is there already
   * was applied before and counts as done. One task's problem never harms another.
   * Resolves with one entry for each task that was not applied. Rejects with E_STORE_UNKNOWN when nothing is known of any
   * task. Whatever is unknown may be asked for again, alone or with the whole array.
   */
  applyOnce(tasks: readonly OnceTask[]): Promise<readonly OnceProblem[]>;
  close(): Promise<void>;
}
