import { RuntimeError } from '../../errors/runtime-error.ts';
import type { DeliverySink, RawDelivery } from '../broker.ts';
import { BASIC_CLASS } from './methods.ts';
import { u16, u64 } from './octets.ts';
import type { WireReader } from './wire-reader.ts';

/** An assembly buffer above this is not kept after its message: one giant must not cost its size for ever. */
const KEPT_BYTES = 4 * 1024 * 1024;
const EMPTY = Buffer.alloc(0);
/** Class, weight and body size, before the property flags. */
export const HEADER_FIXED_BYTES = 12;

/** Which frame a channel must send next. */
export type InboxState = 'method' | 'header' | 'body';

/**
 * What arrives on one channel: where it goes, and the one message that is arriving in pieces.
 *
 *     method ──deliver──▶ header ──size > 0──▶ body ──all there──▶ method
 *                           └─────── size 0 ─────────────────────────▲
 *
 * A message whose frames all lie in one chunk never touches this buffer (frame-parser.ts, `#takeWhole`). Another is
 * put together here, properties first, body behind them, in a buffer of exactly known size that the next message uses
 * again: no list of pieces, nothing concatenated.
 */
export class ContentInbox {
  /** Undefined: the channel is being closed, what still arrives is skipped. */
  sink: DeliverySink | undefined;
  readonly channel: number;
  state: InboxState = 'method';
  /** The port promises tags from 1 without gaps; the parser holds the peer to it. */
  nextTag = 1;
  redelivered = false;
  /** Something was handed over during this read. */
  touched = false;
  bodyMissing = 0;
  /** The message that arrives was returned to us: its properties are shown, the rest is skipped. */
  returned = false;
  /** The message is skipped: nobody wants it, or it is too large. */
  #skipping = false;
  #buffer = EMPTY;
  #length = 0;
  #propertiesBytes = 0;

  constructor(channel: number, sink: DeliverySink | undefined) {
    this.channel = channel;
    this.sink = sink;
  }

  /** Takes the method that announces a message. Throws E_BROKER_PROTOCOL. */
  takeDeliver(args: WireReader): void {
    args.shortString();
    const tag = args.u32() * 2 ** 32 + args.u32();
    this.redelivered = (args.u8() & 1) === 1;
    args.shortString();
    args.shortString();
    args.expectEnd();
    if (tag !== this.nextTag) throw malformed(`got delivery tag ${tag}, expected ${this.nextTag}`);
    this.state = 'header';
  }

  /** A message that we published comes back: its content follows. */
  expectReturned(): void {
    this.state = 'header';
    this.returned = true;
  }

  /** Takes the content header; what is larger than `maxBytes` is skipped. Throws E_BROKER_PROTOCOL. */
  takeHeader(payload: Buffer, maxBytes: number): void {
    if (payload.length < HEADER_FIXED_BYTES + 2 || u16(payload, 0) !== BASIC_CLASS) {
      throw malformed(
        `got a content header of ${payload.length} bytes for class ${u16(payload, 0)}, expected class 60`,
      );
    }
    const bodyBytes = u64(payload, 4);
    if (bodyBytes > Number.MAX_SAFE_INTEGER) throw malformed(`got a body of ${bodyBytes} bytes`);
    this.state = 'body';
    this.bodyMissing = bodyBytes;
    this.#skipping = this.sink === undefined || bodyBytes > maxBytes;
    if (this.#skipping) return;
    this.#propertiesBytes = payload.length - HEADER_FIXED_BYTES;
    this.#length = this.#propertiesBytes;
    this.#reserve(this.#propertiesBytes + bodyBytes);
    payload.copy(this.#buffer, 0, HEADER_FIXED_BYTES);
  }

  append(source: Buffer, start: number, end: number): void {
    this.bodyMissing -= end - start;
    if (this.#skipping) return;
    source.copy(this.#buffer, this.#length, start, end);
    this.#length += end - start;
  }

  /** Hands the assembled message over, if anybody still wants it. */
  deliver(delivery: RawDelivery): void {
    const tag = this.nextTag++;
    this.state = 'method';
    this.returned = false;
    if (this.#skipping || this.sink === undefined) return;
    delivery.tag = tag;
    delivery.redelivered = this.redelivered;
    delivery.source = this.#buffer;
    delivery.propertiesStart = 0;
    delivery.propertiesEnd = this.#propertiesBytes;
    delivery.bodyStart = this.#propertiesBytes;
    delivery.bodyEnd = this.#length;
    this.sink.deliver(delivery);
    if (this.#buffer.length > KEPT_BYTES) {
      this.#buffer = EMPTY;
      delivery.source = EMPTY;
    }
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    // Below the limit in powers of two, so that sizes that creep up do not allocate each time.
    const capacity = bytes > KEPT_BYTES ? bytes : Math.max(4096, 2 ** Math.ceil(Math.log2(bytes)));
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
  }
}

/** The one wording for input that is not AMQP. */
export function malformed(what: string): RuntimeError {
  return new RuntimeError('E_BROKER_PROTOCOL', `the broker's bytes are not valid AMQP 0-9-1: ${what}`);
}
