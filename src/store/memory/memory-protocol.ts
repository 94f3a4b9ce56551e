/**
 * What travels between MemoryStore (main thread) and its writers (any thread) over two BroadcastChannels.
 * Broadcast, because a thread pool cannot hand each thread a port of its own:
 *
 *     writer ──`<channel>/inserts`──▶ store          a writer is a member only while it posts: it must not get the others' bytes
 *     writer ◀─`<channel>/answers`─── store          every writer gets every answer, and drops those of the others
 */
import type { InsertProblem } from '../store.ts';

export interface MemoryWriterConfig {
  readonly channel: string;
  /** Longest time that one insertMany waits for its answer, in ms. */
  readonly timeoutMs: number;
}

export interface InsertRequest {
  /** Which writer asks. */
  readonly writer: string;
  readonly sequence: number;
  readonly collection: string;
  /** BSON documents, one behind the other. */
  readonly bytes: Uint8Array;
  /** Their ids (memory-collection.ts, `idKey`). */
  readonly keys: readonly string[];
}

export interface InsertAnswer {
  readonly writer: string;
  readonly sequence: number;
  /** Undefined: the store is away, and `reason` says why. */
  readonly problems: readonly InsertProblem[] | undefined;
  readonly reason?: string;
}

export function insertsChannel(channel: string): string {
  return `${channel}/inserts`;
}

export function answersChannel(channel: string): string {
  return `${channel}/answers`;
}
