/**
 * What travels between MemoryStore (main thread) and its writers (any thread) over two BroadcastChannels.
 * Broadcast, because a thread pool cannot hand each thread a port of its own:
 *
 *     writer ──`<channel>/requests`──▶ store         a writer is a member only while it posts: it must not get the others' bytes
 *     writer ◀─`<channel>/answers`──── store         every writer gets every answer, and drops those of the others
 */
import type { InsertProblem, OnceProblem } from '../store.ts';

export interface MemoryWriterConfig {
  readonly channel: string;
  /** Longest time that one insertMany or applyOnce waits for its answer, in ms. */
  readonly timeoutMs: number;
}

export type MemoryRequest = InsertRequest | OnceRequest;

export interface InsertRequest {
  readonly kind: 'insert';
  /** Which writer asks. */
  readonly writer: string;
  readonly sequence: number;
  readonly collection: string;
  /** BSON documents, one behind the other. */
  readonly bytes: Uint8Array;
  /** Their ids (memory-collection.ts, `idKey`). */
  readonly keys: readonly string[];
}

export interface OnceRequest {
  readonly kind: 'once';
  readonly writer: string;
  readonly sequence: number;
  readonly tasks: readonly EncodedTask[];
}

export interface EncodedTask {
  readonly id: string;
  /** Each a StoreOperation as BSON. */
  readonly operations: readonly Uint8Array[];
}

export interface MemoryAnswer {
  readonly writer: string;
  readonly sequence: number;
  /** Of the kind that was asked for. Undefined: the store is away, and `reason` says why. */
  readonly problems: readonly (InsertProblem | OnceProblem)[] | undefined;
  readonly reason?: string;
}

export function requestsChannel(channel: string): string {
  return `${channel}/requests`;
}

export function answersChannel(channel: string): string {
  return `${channel}/answers`;
}
