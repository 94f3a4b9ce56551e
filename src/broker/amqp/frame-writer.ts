import { RuntimeError } from '../../errors/runtime-error.ts';
import { BASIC_ACK, BASIC_NACK, FRAME_END, FRAME_HEAD_BYTES, FRAME_HEARTBEAT, FRAME_METHOD } from './methods.ts';

/** Longest name that AMQP can carry: queues, virtual hosts, consumer tags. */
export const SHORT_STRING_BYTES = 255;

const FIRST_CAPACITY = 4096;
const TWO_TO_32 = 2 ** 32;

/** A value in a field table that we send; a number goes as a 64-bit integer and is at least 0. */
export type FieldValue = string | number | boolean | FieldTable;
export interface FieldTable {
  readonly [name: string]: FieldValue;
}

/**
 * Collects outgoing frames in the order of the calls, until `take` hands them out as one buffer for one socket write.
 *
 *     │ ack 7 │ nack 9 │ ack ≤12 │ channel.close │          one write
 *
 * Cost: an ack is 21 bytes written into memory that is used again; one small allocation a flush, because the socket
 * may keep what it is given.
 */
export class FrameWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #length = 0;
  #frameStart = 0;

  /** Everything collected, undefined when there is nothing. The caller owns the result. */
  take(): Buffer | undefined {
    if (this.#length === 0) return undefined;
    const bytes = Buffer.from(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    return bytes;
  }

  discard(): void {
    this.#length = 0;
  }

  ack(channel: number, tag: number, multiple: boolean): void {
    this.begin(channel, BASIC_ACK)
      .u64(tag)
      .u8(multiple ? 1 : 0)
      .end();
  }

  /** Never with `multiple`: that would refuse deliveries nobody named. */
  nack(channel: number, tag: number, requeue: boolean): void {
    this.begin(channel, BASIC_NACK)
      .u64(tag)
      .u8(requeue ? 0b10 : 0)
      .end();
  }

  heartbeat(): void {
    this.#head(FRAME_HEARTBEAT, 0);
    this.end();
  }

  /** Opens a method frame; its arguments follow, then `end`. */
  begin(channel: number, method: number): this {
    this.#head(FRAME_METHOD, channel);
    return this.u32(method);
  }

  end(): void {
    const size = this.#length - this.#frameStart - FRAME_HEAD_BYTES;
    this.#buffer.writeUInt32BE(size, this.#frameStart + 3);
    this.u8(FRAME_END);
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#length = this.#buffer.writeUInt8(value, this.#length);
    return this;
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#length = this.#buffer.writeUInt16BE(value, this.#length);
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32BE(value, this.#length);
    return this;
  }

  /** @param value - at most 2^53 */
  u64(value: number): this {
    return this.u32(Math.floor(value / TWO_TO_32)).u32(value >>> 0);
  }

  /** @param text - at most 255 bytes in UTF-8: who lets longer text in has already refused it with a better message */
  shortString(text: string): this {
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length > SHORT_STRING_BYTES) {
      throw new RuntimeError(
        'E_OPTION_RANGE',
        `a name of ${bytes.length} bytes, expected at most ${SHORT_STRING_BYTES}`,
      );
    }
    return this.u8(bytes.length).#bytes(bytes);
  }

  longString(text: string): this {
    const bytes = Buffer.from(text, 'utf8');
    return this.u32(bytes.length).#bytes(bytes);
  }

  table(table: FieldTable): this {
    const lengthAt = this.#length;
    this.u32(0);
    for (const [name, value] of Object.entries(table)) this.shortString(name).#field(value);
    this.#buffer.writeUInt32BE(this.#length - lengthAt - 4, lengthAt);
    return this;
  }

  #field(value: FieldValue): void {
    if (typeof value === 'string') this.u8(0x53).longString(value);
    else if (typeof value === 'number') this.u8(0x6c).u64(value);
    else if (typeof value === 'boolean') this.u8(0x74).u8(value ? 1 : 0);
    else this.u8(0x46).table(value);
  }

  #head(type: number, channel: number): void {
    this.#frameStart = this.#length;
    this.u8(type).u16(channel).u32(0);
  }

  #bytes(bytes: Buffer): this {
    this.#reserve(bytes.length);
    this.#length += bytes.copy(this.#buffer, this.#length);
    return this;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
