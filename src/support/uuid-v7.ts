import { randomFillSync } from 'node:crypto';

/** Random bytes are fetched for many ids at once: a call for each would cost more than the rest. */
const POOL_BYTES = 8 * 512;
const RANDOM_BYTES = 8;
const LARGEST_SEQUENCE = 0xfff;
/** A new millisecond begins in the lower half, so that there is room to count upwards from there. */
const FRESH_SEQUENCE_MASK = 0x7ff;

/** Each byte as two digits, one ASCII code in either half: put together in memory, an id is one flat piece of text. */
const HEX = Uint16Array.from({ length: 256 }, (_, byte) => (digit(byte >>> 4) << 8) | digit(byte & 0xf));
const VERSION_DIGIT = 0x37; // 7
const pool = Buffer.alloc(POOL_BYTES);
const text = Buffer.from('00000000-0000-7000-8000-000000000000');
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
  text[14] = VERSION_DIGIT;
  text[15] = digit(sequence >>> 8);
  write(16, sequence);
  write(19, ((pool[at] as number) & 0x3f) | 0x80);
  write(21, pool[at + 1] as number);
  for (let byte = 2; byte < RANDOM_BYTES; byte++) write(20 + 2 * byte, pool[at + byte] as number);
  return text.toString('latin1');
}

/** Moves time and counter on: the clock if it has moved, else the counter, which may run into the next millisecond. */
function advance(nowMs: number, randomAt: number): void {
  if (nowMs <= lastMs && sequence < LARGEST_SEQUENCE) {
    sequence++;
    return;
  }
  lastMs = Math.max(nowMs, lastMs + 1);
  sequence = (((pool[randomAt + 6] as number) << 8) | (pool[randomAt + 7] as number)) & FRESH_SEQUENCE_MASK;
  const time = lastMs.toString(16).padStart(12, '0');
  text.write(`${time.slice(0, 8)}-${time.slice(8)}`, 'latin1');
}

/** Writes the lowest eight bits at a place of the text. */
function write(at: number, byte: number): void {
  const digits = HEX[byte & 0xff] as number;
  text[at] = digits >>> 8;
  text[at + 1] = digits;
}

function digit(value: number): number {
  return '0123456789abcdef'.charCodeAt(value);
}
