import {
  BATCH_MAGIC,
  HEADER_BYTES,
  HEADER_COUNT,
  HEADER_EPOCH,
  HEADER_FIRST_TAG,
  HEADER_OPENED_AT,
  HEADER_OPENED_MONOTONIC,
  HEADER_SALT,
  HEADER_TOTAL_BYTES,
} from './batch-layout.ts';
import type { Slab } from './slab.ts';

/** Bytes that a batch of these records takes, header included. */
export function batchBytes(slab: Slab, fromRecord: number, count: number): number {
  return HEADER_BYTES + slab.startOf(fromRecord + count) - slab.startOf(fromRecord);
}

/** What a batch's header says beside what its slab knows. */
export interface BatchStamp {
  /** Unix ms at which the first delivery was read. */
  readonly openedAtMs: number;
  /** The same moment on the clock of support/monotonic.ts. */
  readonly openedMonotonicMs: number;
  /** Random 32 bits, one per runtime. */
  readonly salt: number;
}

/** A range of a slab's records. */
export interface RecordRange {
  readonly slab: Slab;
  readonly fromRecord: number;
  readonly count: number;
}

/**
 * Copies a range of records, headed as batch-layout.ts draws it, into a buffer for a thread.
 * @param target - at least `batchBytes` long
 */
export function packBatch({ slab, fromRecord, count }: RecordRange, stamp: BatchStamp, target: ArrayBuffer): void {
  const from = slab.startOf(fromRecord);
  const to = slab.startOf(fromRecord + count);
  const view = new DataView(target, 0, HEADER_BYTES);
  view.setUint32(0, BATCH_MAGIC, true);
  view.setUint32(HEADER_COUNT, count, true);
  view.setUint32(HEADER_TOTAL_BYTES, HEADER_BYTES + to - from, true);
  view.setFloat64(HEADER_OPENED_AT, stamp.openedAtMs, true);
  view.setFloat64(HEADER_FIRST_TAG, slab.firstTag + fromRecord, true);
  view.setFloat64(HEADER_OPENED_MONOTONIC, stamp.openedMonotonicMs, true);
  view.setUint32(HEADER_SALT, stamp.salt, true);
  view.setUint32(HEADER_EPOCH, slab.epoch, true);
  slab.bytes.copy(new Uint8Array(target), HEADER_BYTES, from, to);
}
