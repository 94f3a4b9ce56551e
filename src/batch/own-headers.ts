/**
 * Finds our own headers in a message's header table (field-table.ts draws it) by hopping over the others: no table is
 * decoded for them, however many headers a message carries.
 */
import { ATTEMPT, START_BY } from './task-headers.ts';

/** What the threads need of our headers (task-headers.ts); 0 where one is not there or is no positive whole number. */
export interface OwnHeaders {
  attempt: number;
  startByMs: number;
}

const ATTEMPT_NAME = Buffer.from(ATTEMPT);
const START_BY_NAME = Buffer.from(START_BY);

/**
 * Reads them into `found`; false when the table cannot be hopped through.
 * @param table - where the table's length field starts; the table must lie inside `bytes`
 */
export function findOwnHeaders(bytes: Buffer, table: number, found: OwnHeaders): boolean {
  const end = table + 4 + bytes.readUInt32BE(table);
  found.attempt = 0;
  found.startByMs = 0;
  let at = table + 4;
  while (at < end) {
    const name = at + 1;
    const value = name + (bytes[at] as number);
    if (value >= end) return false; // no room for the value's type
    const next = afterValue(bytes, value, end);
    if (next === MALFORMED) return false;
    if (isName(bytes, name, value, ATTEMPT_NAME)) found.attempt = integerAt(bytes, value);
    else if (isName(bytes, name, value, START_BY_NAME)) found.startByMs = integerAt(bytes, value);
    at = next;
  }
  return true;
}

const MALFORMED = -1;
const COUNTED = -2;

/** Where the value, whose type byte is at `at`, ends; MALFORMED when its type is unknown or it ends behind `end`. */
function afterValue(bytes: Buffer, at: number, end: number): number {
  const size = fixedSize(bytes[at] as number);
  if (size >= 0) return at + 1 + size <= end ? at + 1 + size : MALFORMED;
  if (size === MALFORMED || at + 5 > end) return MALFORMED;
  const next = at + 5 + bytes.readUInt32BE(at + 1);
  return next <= end ? next : MALFORMED;
}

/** Bytes of a value of this type, COUNTED when a 32-bit length says it, MALFORMED when there is no such type. */
function fixedSize(type: number): number {
  switch (type) {
    case 0x56: // V
      return 0;
    case 0x74: // t
    case 0x62: // b
    case 0x42: // B
      return 1;
    case 0x73: // s
    case 0x75: // u
      return 2;
    case 0x49: // I
    case 0x69: // i
    case 0x66: // f
      return 4;
    case 0x44: // D
      return 5;
    case 0x6c: // l
    case 0x4c: // L
    case 0x64: // d
    case 0x54: // T
      return 8;
    case 0x53: // S
    case 0x78: // x
    case 0x41: // A
    case 0x46: // F
      return COUNTED;
    default:
      return MALFORMED;
  }
}

function isName(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}

/** The positive integer at a value, else 0; other systems write it in whatever width they like. */
function integerAt(bytes: Buffer, at: number): number {
  switch (bytes[at]) {
    case 0x62:
      return positive(bytes.readInt8(at + 1));
    case 0x42:
      return bytes.readUInt8(at + 1);
    case 0x73:
      return positive(bytes.readInt16BE(at + 1));
    case 0x75:
      return bytes.readUInt16BE(at + 1);
    case 0x49:
      return positive(bytes.readInt32BE(at + 1));
    case 0x69:
      return bytes.readUInt32BE(at + 1);
    case 0x6c:
    case 0x4c:
      return positive(Number(bytes.readBigInt64BE(at + 1)));
    default:
      return 0;
  }
}

function positive(value: number): number {
  return value > 0 && Number.isSafeInteger(value) ? value : 0;
}
