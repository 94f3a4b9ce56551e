import { RuntimeError } from '../../errors/runtime-error.ts';

/** Tables inside tables; more is refused, so that no peer can exhaust the stack. */
const DEEPEST_NESTING = 64;

/**
 * Reads the arguments of one method. For the rare methods only: deliveries are read by the parser in place.
 * Throws E_BROKER_PROTOCOL where the arguments end before what is read.
 */
export class WireReader {
  readonly #source: Buffer;
  #position: number;
  readonly #end: number;

  constructor(source: Buffer, start: number, end: number) {
    this.#source = source;
    this.#position = start;
    this.#end = end;
  }

  u8(): number {
    return this.#source.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#source.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#source.readUInt32BE(this.#take(4));
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  expectEnd(): void {
    const left = this.#end - this.#position;
    if (left !== 0) throw new RuntimeError('E_BROKER_PROTOCOL', `got a method with ${left} bytes too many`);
  }

  shortString(): string {
    return this.#text(this.u8());
  }

  longString(): string {
    return this.#text(this.u32());
  }

  /** The entries of a field table that are text, booleans or tables of such; others are passed over. */
  table(depth = 0): Map<string, unknown> {
    if (depth > DEEPEST_NESTING)
      throw new RuntimeError('E_BROKER_PROTOCOL', `got field tables nested more than ${DEEPEST_NESTING} deep`);
    const length = this.u32();
    const end = this.#position + length;
    if (end > this.#end) throw this.#tooShort(length);
    const entries = new Map<string, unknown>();
    while (this.#position < end) {
      const name = this.shortString();
      entries.set(name, this.#field(depth));
    }
    if (this.#position !== end) throw new RuntimeError('E_BROKER_PROTOCOL', 'got a field table longer than it says');
    return entries;
  }

  #field(depth: number): unknown {
    const type = String.fromCharCode(this.u8());
    if (type === 'S') return this.longString();
    if (type === 't') return this.u8() !== 0;
    if (type === 'F') return this.table(depth + 1);
    if (type === 'x' || type === 'A') this.skip(this.u32());
    else this.skip(fixedBytes(type));
    return undefined;
  }

  #text(bytes: number): string {
    const start = this.#take(bytes);
    return this.#source.toString('utf8', start, start + bytes);
  }

  #take(bytes: number): number {
    const start = this.#position;
    if (start + bytes > this.#end) throw this.#tooShort(bytes);
    this.#position = start + bytes;
    return start;
  }

  #tooShort(bytes: number): RuntimeError {
    const left = this.#end - this.#position;
    return new RuntimeError('E_BROKER_PROTOCOL', `got a method with ${left} bytes left, expected ${bytes} more`);
  }
}

/** Field types as RabbitMQ writes them (its errata differ from the specification). */
const FIXED_BYTES: Readonly<Record<string, number>> = {
  V: 0,
  b: 1,
  B: 1,
  s: 2,
  u: 2,
  I: 4,
  i: 4,
  f: 4,
  D: 5,
  l: 8,
  d: 8,
  T: 8,
};

function fixedBytes(type: string): number {
  const bytes = FIXED_BYTES[type];
  if (bytes === undefined) {
    throw new RuntimeError('E_BROKER_PROTOCOL', `got a field of the unknown type ${JSON.stringify(type)} in a table`);
  }
  return bytes;
}
