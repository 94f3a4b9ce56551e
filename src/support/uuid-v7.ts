import { randomFillSync } from 'node:crypto';

/** Random bytes are fetched for many ids at once: a call for each would cost more than the rest. */
const POOL_BYTES = 8 * 512;
const RANDOM_BYTES = 8;
const LARGEST_SEQUENCE = 0xfff;
/** A new millisecond begins in the lower half, so that there is room to count upwards from there. */
const FRESH_SEQUENCE_MASK = 0x7ff;

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;
let lastMs = 0;
let sequence = 0;

/**
 * A UUID of version 7 (RFC 9562, method 1), larger as text than every one that this process made before, even when
 * the clock goes back. Ascending ids keep a database's index on them compact; random ones touch all of it.
 *
 *     unix ms, 48 bits     7  counter, 12 bits    variant, 2 bits, and 62 random bits
 *     0190b2a4 - 1234   -  7  a3f              -  9c21 - 5f0e8d7b6a59
 *
 * @param nowMs - Unix ms
 */
export function uuidV7(nowMs: number = Date.now()): string {
  if (used === POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const at = used;
  used += RANDOM_BYTES;
  advance(nowMs, at);
  const time = lastMs.toString(16).padStart(12, '0');
  const low = HEX[(byteAt(at) & 0x3f) | 0x80] + hexOf(at + 1);
  const node = hexOf(at + 2) + hexOf(at + 3) + hexOf(at + 4) + hexOf(at + 5) + hexOf(at + 6) + hexOf(at + 7);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, '0')}-${low}-${node}`;
}

/** Moves time and counter on: the clock if it has moved, else the counter, which may run into the next millisecond. */
function advance(nowMs: number, randomAt: number): void {
  if (nowMs <= lastMs && sequence < LARGEST_SEQUENCE) {
    sequence++;
    return;
  }
  lastMs = Math.max(nowMs, lastMs + 1);
  sequence = ((byteAt(randomAt + 6) << 8) | byteAt(randomAt + 7)) & FRESH_SEQUENCE_MASK;
}

function byteAt(index: number): number {
  return pool[index] ?? 0;
}

function hexOf(index: number): string {
  return HEX[byteAt(index)] ?? '';
}
