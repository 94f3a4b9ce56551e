/**
 * Counts what the handlers of a contender were really given, from all its threads, in one SharedArrayBuffer:
 *
 *     0          4          8          12         16                    16 + messages
 *     │ checksum │ calls    │ foreign  │ (unused) │ calls of message 0, 1, 2 … │
 *       u32 sum    u32        u32                   u8 each
 *
 * Threads find it through Node's environment data, which every thread of a process inherits, whoever starts it:
 * so it works the same way for every contender and needs nothing of its interface.
 * Cost a message: the checksum (0.1 µs) and three atomic additions.
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { checksumOf } from './checksum.ts';
import type { Signature } from './message-source.ts';

const KEY = 'millrace.bench.handled';
const HEADER_BYTES = 16;
const CHECKSUM = 0;
const CALLS = 1;
const FOREIGN = 2;

export interface HandledSummary {
  readonly calls: number;
  /** Messages handled at least once. */
  readonly distinct: number;
  /** Calls with an index that was never filled. */
  readonly foreign: number;
  readonly checksum: number;
}

/** Main thread, before any other thread starts. */
export function createHandledLedger(messages: number): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(HEADER_BYTES + messages);
  setEnvironmentData(KEY, shared);
  return shared;
}

/** Any thread: the function to call with each message's payload. */
export function openHandledLedger(): (signature: Signature) => void {
  const shared = getEnvironmentData(KEY);
  if (!(shared instanceof SharedArrayBuffer)) throw new Error('the handled ledger was not set up in the main thread');
  const words = new Uint32Array(shared, 0, HEADER_BYTES / 4);
  const seen = new Uint8Array(shared, HEADER_BYTES);
  return (signature) => {
    const index = Number.parseInt(signature.UUID.slice(-12), 16);
    Atomics.add(words, CALLS, 1);
    Atomics.add(words, CHECKSUM, checksumOf(signature));
    if (index < seen.length) Atomics.add(seen, index, 1);
    else Atomics.add(words, FOREIGN, 1);
  };
}

/** How often each message was handled. */
export function callsByMessage(shared: SharedArrayBuffer): Uint8Array {
  return Uint8Array.from(new Uint8Array(shared, HEADER_BYTES));
}

export function summarizeHandled(shared: SharedArrayBuffer): HandledSummary {
  const words = new Uint32Array(shared, 0, HEADER_BYTES / 4);
  const seen = new Uint8Array(shared, HEADER_BYTES);
  let distinct = 0;
  for (const calls of seen) if (calls > 0) distinct++;
  return { calls: words[CALLS] ?? 0, distinct, foreign: words[FOREIGN] ?? 0, checksum: words[CHECKSUM] ?? 0 };
}
