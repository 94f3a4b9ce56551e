/**
 * Finds the header `x-attempt` in a message's header table (field-table.ts draws it) by hopping over the others:
 * no table is decoded for it, however many headers a message carries.
 */
const NAME = Buffer.from('x-attempt');
/** No attempt is counted in the headers. */
export const NOT_COUNTED = 0;
/** The table cannot be hopped through. */
export const MALFORMED = -1;

/**
 * What `x-attempt` says, rounded down; NOT_COUNTED when it is not there or is no positive number; MALFORMED.
 * @param table - where the table's length field starts; the table must lie inside `bytes`
 */
export function findAttempt(bytes: Buffer, table: number): number {
  const end = table + 4 + bytes.readUInt32BE(table);
  let attempt = NOT_COUNTED;
  let at = table + 4;
  while (at < end) {
    const name = at + 1;
    const value = name + (bytes[at] as number);
    if (value >= end) return MALFORMED; // no room for the value's type
    const next = afterValue(bytes, value, end);
    if (next === MALFORMED) return MALFORMED;
    if (isAttempt(bytes, name, value)) attempt = integerAt(bytes, value);
    at = next;
  }
  return attempt;
}

/** Where the value, whose type byte is at `at`, ends; MALFORMED when its type is unknown or it ends behind `end`. */
function afterValue(bytes: Buffer, at: number, end: number): number {
  const size = fixedSize(bytes[at] as number);
  if (size >= 0) return at + 1 + size <= end ? at + 1 + size : MALFORMED;
  if (size === MALFORMED || at + 5 > end) return MALFORMED;
  const next = at + 5 + bytes.readUInt32BE(at + 1);
  return next <= end ? next : MALFORMED;
}

const COUNTED = -2;

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

function isAttempt(bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== NAME.length) return false;
  for (let i = 0; i < NAME.length; i++) if (bytes[start + i] !== NAME[i]) return false;
  return true;
}

/** The integer at a value; other systems write it in whatever width they like. */
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
      return NOT_COUNTED;
  }
}

function positive(value: number): number {
  return value > 0 && Number.isSafeInteger(value) ? value : NOT_COUNTED;
}
