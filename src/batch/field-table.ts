/**
 * AMQP 0-9-1 field tables (message headers, queue arguments, server properties) to and from plain objects.
 *
 *     table   u32 bytes │ entry │ entry │ …
 *     entry   u8 n │ n bytes of name │ value
 *     value   u8 type │ payload
 *
 *     type  payload                     read as                            written for
 *     t     u8                          boolean                            boolean
 *     b B   i8, u8                      number
 *     s u   i16, u16                    number
 *     I i   i32, u32                    number                             integer that fits 32 bits (I)
 *     l L   i64                         number when safe, else bigint      other safe integers, bigint (l)
 *     f d   f32, f64                    number                             other numbers (d)
 *     D     u8 scale, u32               number (value ÷ 10^scale)
 *     S     u32 n, n bytes              string when UTF-8, else Buffer     string
 *     A     u32 bytes, values           array                              array
 *     T     u64 seconds                 Date (a number when no Date)       Date, to the second
 *     F     table                       object                             plain object
 *     V     –                           null                               null
 *     x     u32 n, n bytes              Buffer                             Uint8Array
 *
 * These are the types of RabbitMQ, which differ from the ones of the specification ('s' is no string).
 * Integers are big-endian. Whatever cannot be read or written is E_MESSAGE_MALFORMED.
 */
import { isUtf8 } from 'node:buffer';
import { RuntimeError } from '../errors/runtime-error.ts';

export type FieldTable = Record<string, unknown>;

/** Tables inside tables; more is refused, so that neither crafted bytes nor a cyclic object can exhaust the stack. */
const DEEPEST_NESTING = 64;
const LONGEST_SHORT_STRING = 255;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Reads fields off a stretch of bytes; every read checks that it stays inside. */
export class FieldReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #offset: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (start < 0 || end < start || end > bytes.byteLength)
      throw malformed(`bytes ${start} to ${end} of ${bytes.byteLength}`);
    this.#offset = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** An unsigned 64-bit integer as a number: exact up to 2^53. */
  u64(): number {
    const at = this.#take(8);
    return this.#bytes.readUInt32BE(at) * 0x1_0000_0000 + this.#bytes.readUInt32BE(at + 4);
  }

  shortString(): string {
    const length = this.u8();
    const at = this.#take(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  table(depth = 0): FieldTable {
    const stop = this.#openNested(depth);
    const table: FieldTable = {};
    while (this.#offset < stop) setOwn(table, this.shortString(), this.#value(depth));
    this.#closeNested(stop);
    return table;
  }

  #value(depth: number): unknown {
    const type = this.u8();
    const bytes = this.#bytes;
    switch (type) {
      case 0x74: // t
        return this.u8() !== 0;
      case 0x62: // b
        return bytes.readInt8(this.#take(1));
      case 0x42: // B
        return this.u8();
      case 0x73: // s
        return bytes.readInt16BE(this.#take(2));
      case 0x75: // u
        return this.u16();
      case 0x49: // I
        return bytes.readInt32BE(this.#take(4));
      case 0x69: // i
        return this.u32();
      case 0x6c: // l
      case 0x4c: // L
        return safeNumber(bytes.readBigInt64BE(this.#take(8)));
      case 0x66: // f
        return bytes.readFloatBE(this.#take(4));
      case 0x64: // d
        return bytes.readDoubleBE(this.#take(8));
      case 0x44: {
        // D
        const scale = this.u8();
        return this.u32() / 10 ** scale;
      }
      case 0x53: // S
        return textOrBytes(this.#longBytes());
      case 0x78: // x
        return Buffer.from(this.#longBytes());
      case 0x41: // A
        return this.#array(depth + 1);
      case 0x54: // T
        return dateOrSeconds(this.u64());
      case 0x46: // F
        return this.table(depth + 1);
      case 0x56: // V
        return null;
      default:
        throw malformed(`field type 0x${type.toString(16)} at byte ${this.#offset - 1}`);
    }
  }

  #array(depth: number): unknown[] {
    const stop = this.#openNested(depth);
    const values: unknown[] = [];
    while (this.#offset < stop) values.push(this.#value(depth));
    this.#closeNested(stop);
    return values;
  }

  #openNested(depth: number): number {
    if (depth > DEEPEST_NESTING) throw malformed(`tables nested more than ${DEEPEST_NESTING} deep`);
    const length = this.u32();
    if (length > this.remaining) throw malformed(`a table of ${length} bytes where ${this.remaining} are left`);
    return this.#offset + length;
  }

  #closeNested(stop: number): void {
    if (this.#offset !== stop) throw malformed(`a table whose last entry ends ${this.#offset - stop} bytes after it`);
  }

  /** A view; whoever keeps it copies. */
  #longBytes(): Buffer {
    const length = this.u32();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  #take(length: number): number {
    const at = this.#offset;
    if (length > this.#end - at) throw malformed(`${length} bytes at ${at} where ${this.#end - at} are left`);
    this.#offset = at + length;
    return at;
  }
}

/** Reads the table, length included, that fills `start` to `end` exactly. */
export function decodeFieldTable(bytes: Uint8Array, start: number, end: number): FieldTable {
  const reader = new FieldReader(bytes, start, end);
  const table = reader.table();
  if (reader.remaining > 0) throw malformed(`${reader.remaining} bytes after the table`);
  return table;
}

export function encodeFieldTable(table: FieldTable): Buffer {
  const bytes = Buffer.allocUnsafe(fieldTableBytes(table));
  writeFieldTable(bytes, 0, table);
  return bytes;
}

/** Bytes that the table takes, length included. Refuses what cannot be written, so that writing cannot fail half-way. */
export function fieldTableBytes(table: FieldTable, depth = 0): number {
  if (depth > DEEPEST_NESTING) throw malformed(`tables nested more than ${DEEPEST_NESTING} deep`);
  let bytes = 4;
  for (const name of Object.keys(table)) {
    const value = table[name];
    if (value !== undefined) bytes += shortStringBytes(name, 'header name') + valueBytes(name, value, depth);
  }
  return bytes;
}

/** Writes the table, length included, and returns the offset behind it. `fieldTableBytes` must have accepted it. */
export function writeFieldTable(target: Buffer, offset: number, table: FieldTable): number {
  let at = offset + 4;
  for (const name of Object.keys(table)) {
    const value = table[name];
    if (value !== undefined) at = writeValue(target, writeShortString(target, at, name), value);
  }
  target.writeUInt32BE(at - offset - 4, offset);
  return at;
}

export function shortStringBytes(text: string, what: string): number {
  const length = Buffer.byteLength(text);
  if (length > LONGEST_SHORT_STRING) {
    throw malformed(`${what} of ${length} bytes where AMQP allows ${LONGEST_SHORT_STRING}`);
  }
  return 1 + length;
}

export function writeShortString(target: Buffer, offset: number, text: string): number {
  const length = target.write(text, offset + 1);
  target[offset] = length;
  return offset + 1 + length;
}

/** `problem` says what was found; callers must not put message contents in it. */
export function malformed(problem: string): RuntimeError {
  return new RuntimeError('E_MESSAGE_MALFORMED', `the message properties are malformed: ${problem}`);
}

/** Bytes of type and payload. */
function valueBytes(name: string, value: unknown, depth: number): number {
  switch (typeof value) {
    case 'string':
      return 5 + Buffer.byteLength(value);
    case 'boolean':
      return 2;
    case 'number':
      return isInt32(value) ? 5 : 9;
    case 'bigint':
      if (value < INT64_MIN || value > INT64_MAX) throw malformed(`header '${name}' is outside 64 bits`);
      return 9;
    case 'object':
      return objectBytes(name, value, depth);
    default:
      throw malformed(`header '${name}' is a ${typeof value}, which AMQP cannot carry`);
  }
}

function objectBytes(name: string, value: object | null, depth: number): number {
  if (value === null) return 1;
  if (value instanceof Uint8Array) return 5 + value.byteLength;
  if (value instanceof Date) {
    if (!(value.getTime() >= 0)) throw malformed(`header '${name}' is a date that AMQP cannot carry`);
    return 9;
  }
  if (Array.isArray(value)) {
    if (depth >= DEEPEST_NESTING) throw malformed(`header '${name}' is nested more than ${DEEPEST_NESTING} deep`);
    return 5 + value.reduce((sum: number, item: unknown) => sum + valueBytes(name, item ?? null, depth + 1), 0);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw malformed(`header '${name}' is an instance of a class, which AMQP cannot carry`);
  }
  return 1 + fieldTableBytes(value as FieldTable, depth + 1);
}

function writeValue(target: Buffer, offset: number, value: unknown): number {
  switch (typeof value) {
    case 'string': {
      const length = target.write(value, offset + 5);
      target[offset] = 0x53; // S
      return target.writeUInt32BE(length, offset + 1) + length;
    }
    case 'boolean':
      target[offset] = 0x74; // t
      return target.writeUInt8(value ? 1 : 0, offset + 1);
    case 'number':
      return writeNumber(target, offset, value);
    case 'bigint':
      target[offset] = 0x6c; // l
      return target.writeBigInt64BE(value, offset + 1);
    default:
      return writeObject(target, offset, value as object | null);
  }
}

function writeNumber(target: Buffer, offset: number, value: number): number {
  if (isInt32(value)) {
    target[offset] = 0x49; // I
    return target.writeInt32BE(value, offset + 1);
  }
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    target[offset] = 0x6c; // l
    return target.writeBigInt64BE(BigInt(value), offset + 1);
  }
  target[offset] = 0x64; // d
  return target.writeDoubleBE(value, offset + 1);
}

function writeObject(target: Buffer, offset: number, value: object | null): number {
  if (value === null) return target.writeUInt8(0x56, offset); // V
  if (value instanceof Uint8Array) {
    target[offset] = 0x78; // x
    target.writeUInt32BE(value.byteLength, offset + 1);
    target.set(value, offset + 5);
    return offset + 5 + value.byteLength;
  }
  if (value instanceof Date) {
    target[offset] = 0x54; // T
    return target.writeBigUInt64BE(BigInt(Math.floor(value.getTime() / 1000)), offset + 1);
  }
  if (Array.isArray(value)) {
    target[offset] = 0x41; // A
    let at = offset + 5;
    for (const item of value) at = writeValue(target, at, item ?? null);
    target.writeUInt32BE(at - offset - 5, offset + 1);
    return at;
  }
  target[offset] = 0x46; // F
  return writeFieldTable(target, offset + 1, value as FieldTable);
}

function isInt32(value: number): boolean {
  return (value | 0) === value && !Object.is(value, -0);
}

function safeNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function textOrBytes(bytes: Buffer): string | Buffer {
  return isUtf8(bytes) ? bytes.toString('utf8') : Buffer.from(bytes);
}

function dateOrSeconds(seconds: number): Date | number {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? seconds : date;
}

/** Assigning to `__proto__` would set the prototype instead of a property. */
function setOwn(table: FieldTable, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(table, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    table[name] = value;
  }
}
