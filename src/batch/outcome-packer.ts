/**
 * How a batch's outcomes lie in memory: written over the batch's own bytes and transferred back.
 * Successes take no bytes, so the usual answer is its header alone.
 *
 *     header, 32 bytes, little-endian
 *      0  u32  magic, 'MRO1'
 *      4  u32  count          tasks that this run settled (those its ledger showed as waiting)
 *      8  u32  others         settled otherwise than `succeeded`
 *     12  u32  bytes          of the JSON below
 *     16  f64  busyMs         time spent decoding and in handlers, without waiting for the store
 *     24  u32  withoutId      messages that had no message id
 *     28  u32  handlerCalls
 *     32  …    UTF-8 JSON: array of PackedOutcome, by ascending index, `others` of them
 */
import type { WireError } from '../errors/wire-error.ts';

export const OUTCOME_MAGIC = 0x314f524d; // 'MRO1'
export const OUTCOME_HEADER_BYTES = 32;

/** How an attempt ended, where it did not simply succeed. The user-facing union is in task/outcome.ts. */
export type OutcomeKind =
  | 'failed'
  | 'timed-out'
  | 'crashed'
  | 'snoozed'
  | 'interrupted'
  | 'discarded'
  | 'cancelled'
  /** Too old to be started (its start deadline had passed when a thread picked it up): it did not run. */
  | 'expired'
  /** The store did not say whether it took this task's effects: run again, no attempt counted. */
  | 'unknown';

export interface PackedOutcome {
  /** Position in the batch. */
  readonly index: number;
  readonly kind: OutcomeKind;
  /** For `failed`, `timed-out`, `crashed`, `unknown`: why. */
  readonly error?: WireError;
  /** For `discarded` and `cancelled`: the reason given. */
  readonly reason?: string;
  /** For `snoozed` and failures that ask for it: not before this many ms. */
  readonly delayMs?: number;
}

export interface BatchOutcomes {
  readonly count: number;
  readonly others: readonly PackedOutcome[];
  readonly busyMs: number;
  readonly withoutId: number;
  readonly handlerCalls: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NONE: readonly PackedOutcome[] = [];

/** Writes the outcomes into `room` where they fit, else into a new buffer; returns the one that holds them. */
export function packOutcomes(outcomes: BatchOutcomes, room: ArrayBuffer): ArrayBuffer {
  const json = outcomes.others.length === 0 ? undefined : encoder.encode(JSON.stringify(outcomes.others));
  const jsonBytes = json?.length ?? 0;
  const target =
    room.byteLength >= OUTCOME_HEADER_BYTES + jsonBytes ? room : new ArrayBuffer(OUTCOME_HEADER_BYTES + jsonBytes);
  const view = new DataView(target);
  view.setUint32(0, OUTCOME_MAGIC, true);
  view.setUint32(4, outcomes.count, true);
  view.setUint32(8, outcomes.others.length, true);
  view.setUint32(12, jsonBytes, true);
  view.setFloat64(16, outcomes.busyMs, true);
  view.setUint32(24, outcomes.withoutId, true);
  view.setUint32(28, outcomes.handlerCalls, true);
  if (json !== undefined) new Uint8Array(target, OUTCOME_HEADER_BYTES, jsonBytes).set(json);
  return target;
}

export function readOutcomes(buffer: ArrayBuffer): BatchOutcomes {
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== OUTCOME_MAGIC) throw new TypeError('the buffer holds no outcomes');
  const jsonBytes = view.getUint32(12, true);
  return {
    count: view.getUint32(4, true),
    others:
      jsonBytes === 0
        ? NONE
        : (JSON.parse(decoder.decode(new Uint8Array(buffer, OUTCOME_HEADER_BYTES, jsonBytes))) as PackedOutcome[]),
    busyMs: view.getFloat64(16, true),
    withoutId: view.getUint32(24, true),
    handlerCalls: view.getUint32(28, true),
  };
}

/** How many tasks the run settled, without reading the rest. */
export function countSettled(buffer: ArrayBuffer): number {
  return new DataView(buffer).getUint32(4, true);
}
