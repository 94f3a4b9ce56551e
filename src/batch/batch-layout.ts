/**
 * How a batch of deliveries lies in memory. The same bytes are the main thread's slab and, copied, what a thread gets.
 * All integers are little-endian (the host order of every platform Node runs on), all records start at multiples of 4.
 *
 *     header, 64 bytes
 *      0  u32  magic, 'MRB1'
 *      4  u32  count          messages in the batch
 *      8  u32  bytes          header and records together
 *     12  u32  (0)
 *     16  f64  openedAtMs     Unix time at which the first delivery was packed
 *     24  f64  firstTag       delivery tag of the first message; the others follow without gaps
 *     32  u32  salt           random, one per runtime: with openedAtMs and tag it makes ids for messages that have none
 *     36  u32  epoch
 *     40  f64  openedMonotonicMs   the same moment as openedAtMs on the clock of support/monotonic.ts
 *     48  …    (0)
 *
 *     record, one after another
 *      0  u32  bytes of properties (AMQP flags + property list, as in the content header frame)
 *      4  u32  bytes of body
 *      8  u32  flags, RECORD_REDELIVERED
 *     12  u16  (0)
 *     14  u16  gap            bytes between properties and body that mean nothing
 *     16  …    properties, gap, body, then 0 to 3 bytes of padding
 *
 * The gap is what AMQP puts between the two, the end of one frame and the head of the next: with it a delivery is one
 * copy out of the socket's buffer instead of two (bench/micro/slab.bench.ts).
 *
 * A rerun after a thread's death sends the same slab again; the ledger says which of its tasks are to run.
 */
export const BATCH_MAGIC = 0x3142524d; // 'MRB1'
export const HEADER_BYTES = 64;
export const RECORD_HEADER_BYTES = 16;

export const HEADER_COUNT = 4;
export const HEADER_TOTAL_BYTES = 8;
export const HEADER_OPENED_AT = 16;
export const HEADER_FIRST_TAG = 24;
export const HEADER_SALT = 32;
export const HEADER_EPOCH = 36;
export const HEADER_OPENED_MONOTONIC = 40;

export const RECORD_PROPERTIES_BYTES = 0;
export const RECORD_BODY_BYTES = 4;
export const RECORD_FLAGS = 8;
/** The word whose upper half is the gap. */
export const RECORD_GAP_WORD = 12;
export const RECORD_GAP = 14;

export const RECORD_REDELIVERED = 1;

/** @param contentBytes - of properties, gap and body together
 *  @returns bytes that the record takes, header and padding included */
export function recordBytes(contentBytes: number): number {
  return (RECORD_HEADER_BYTES + contentBytes + 3) & ~3;
}
