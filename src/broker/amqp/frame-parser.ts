import { RuntimeError } from '../../errors/runtime-error.ts';
import type { DeliverySink, RawDelivery } from '../broker.ts';
import { ContentInbox, HEADER_FIXED_BYTES, malformed } from './content-inbox.ts';
import {
  BASIC_CLASS,
  BASIC_DELIVER,
  BASIC_RETURN,
  FRAME_BODY,
  FRAME_END,
  FRAME_HEAD_BYTES,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  FRAME_OVERHEAD_BYTES,
} from './methods.ts';
import { u16, u32, u64 } from './octets.ts';
import { WireReader } from './wire-reader.ts';

/** What the parser does not handle itself. */
export interface FrameHandler {
  /** Any method but basic.deliver. May throw a RuntimeError, which ends the parsing. */
  method(channel: number, method: number, args: WireReader): void;
  /** Properties of the message that the basic.return before was about. Valid during the call. */
  returned(channel: number, properties: Buffer): void;
  /** A message above the limit is being passed over. */
  tooLarge(channel: number, bodyBytes: number): void;
}

/**
 * `boundary` the next byte begins a frame · `gather` a frame is being collected in the carry · `body` inside a body
 * frame · `ended` malformed input or `end()`: nothing is read any more.
 */
type Stage = 'boundary' | 'gather' | 'body' | 'ended';

/** deliver 4 + 1 + 8 + 1 + 1 + 1 bytes, header 12 + 2 bytes, with the overhead of both. */
const SMALLEST_DELIVERY = 16 + 14 + 2 * FRAME_OVERHEAD_BYTES;

/**
 * Cuts the byte stream of one connection into deliveries and methods, whatever chunks the socket gives.
 *
 *     chunk  │…tail│ deliver header body │ deliver header body │ deliver he…│
 *              │            └─ whole in the chunk: read in place ─┘      │
 *              └─ frame by frame: body bytes into the channel's inbox, ──┘
 *                 other frames into the carry until they are complete
 *
 * The two paths see the same messages: `#takeWhole` takes only what is entirely there and entirely valid and leaves all
 * else, every kind of wrong input included, to the frame-by-frame path. Wrong input ends the parser with one
 * E_BROKER_PROTOCOL as the result of `read`; nothing is thrown, nothing waits.
 *
 * Cost: nothing is allocated for a message; about 0.1 µs each (bench/micro/frame-parser.bench.ts).
 */
export class FrameParser {
  readonly #handler: FrameHandler;
  readonly #maxMessageBytes: number;
  readonly #inboxes: (ContentInbox | undefined)[] = [];
  readonly #touched: ContentInbox[] = [];
  readonly #delivery: RawDelivery = {
    tag: 0,
    redelivered: false,
    source: Buffer.alloc(0),
    propertiesStart: 0,
    propertiesEnd: 0,
    bodyStart: 0,
    bodyEnd: 0,
  };
  #stage: Stage = 'boundary';
  #error: RuntimeError | undefined;
  #maxPayload: number;
  #carry: Buffer = Buffer.allocUnsafeSlow(1024);
  #carried = 0;
  #bodyInbox: ContentInbox | undefined;
  #bodyLeft = 0;

  constructor(handler: FrameHandler, frameMax: number, maxMessageBytes: number) {
    this.#handler = handler;
    this.#maxPayload = frameMax - FRAME_OVERHEAD_BYTES;
    this.#maxMessageBytes = maxMessageBytes;
  }

  limitFrames(frameMax: number): void {
    this.#maxPayload = frameMax - FRAME_OVERHEAD_BYTES;
  }

  /** From now on deliveries of the channel go to the sink; their tags begin at 1. */
  openInbox(channel: number, sink: DeliverySink): void {
    this.#inboxes[channel] = new ContentInbox(channel, sink);
  }

  /** What still arrives for the channel is skipped. */
  muteInbox(channel: number): void {
    const inbox = this.#inboxes[channel];
    if (inbox === undefined) this.#inboxes[channel] = new ContentInbox(channel, undefined);
    else inbox.sink = undefined;
  }

  closeInbox(channel: number): void {
    this.muteInbox(channel);
    this.#inboxes[channel] = undefined;
  }

  /** Drops what is held; further input is ignored. */
  end(): void {
    this.#stage = 'ended';
    for (const inbox of this.#inboxes) if (inbox !== undefined) inbox.sink = undefined;
    this.#inboxes.length = 0;
    this.#bodyInbox = undefined;
  }

  /**
   * Reads the first `length` bytes of `chunk`, which may be overwritten after the call.
   * @returns the error that ended the parser, undefined while all is well
   */
  read(chunk: Buffer, length: number): RuntimeError | undefined {
    let position = 0;
    while (position < length && this.#stage !== 'ended') {
      const next = this.#stage === 'boundary' ? this.#takeDeliveries(chunk, position, length) : position;
      // A sink may have ended the parser, so the stage is looked at again before a piece is taken.
      position = next > position ? next : this.#takePiece(chunk, position, length);
    }
    this.#tellReadEnded();
    return this.#error;
  }

  #tellReadEnded(): void {
    for (const inbox of this.#touched) {
      inbox.touched = false;
      inbox.sink?.readEnded();
    }
    this.#touched.length = 0;
  }

  #takeDeliveries(chunk: Buffer, start: number, length: number): number {
    let position = start;
    while (length - position >= SMALLEST_DELIVERY) {
      const next = this.#takeWhole(chunk, position, length);
      if (next === position) return position;
      position = next;
    }
    return position;
  }

  /** Hands over the delivery at `start` if it lies in the chunk whole and valid. @returns where it ends, else `start` */
  #takeWhole(chunk: Buffer, start: number, length: number): number {
    if (chunk[start] !== FRAME_METHOD) return start;
    const channel = u16(chunk, start + 1);
    const inbox = this.#inboxes[channel];
    if (inbox === undefined || inbox.sink === undefined || inbox.state !== 'method') return start;
    const size = u32(chunk, start + 3);
    const methodEnd = start + FRAME_HEAD_BYTES + size;
    if (size > this.#maxPayload || methodEnd >= length || chunk[methodEnd] !== FRAME_END) return start;
    if (u32(chunk, start + 7) !== BASIC_DELIVER) return start;

    const tagAt = afterShortString(chunk, start + 11);
    if (afterShortString(chunk, afterShortString(chunk, tagAt + 9)) !== methodEnd) return start;
    if (u64(chunk, tagAt) !== inbox.nextTag) return start;

    const header = methodEnd + 1;
    if (length - header < HEADER_FIXED_BYTES + 2 + FRAME_OVERHEAD_BYTES) return start;
    const headerSize = u32(chunk, header + 3);
    const headerEnd = header + FRAME_HEAD_BYTES + headerSize;
    if (chunk[header] !== FRAME_HEADER || u16(chunk, header + 1) !== channel) return start;
    if (headerSize < HEADER_FIXED_BYTES + 2 || headerSize > this.#maxPayload) return start;
    if (headerEnd >= length || chunk[headerEnd] !== FRAME_END) return start;
    if (u16(chunk, header + 7) !== BASIC_CLASS || u32(chunk, header + 11) !== 0) return start;

    const bodySize = u32(chunk, header + 15);
    let bodyStart = headerEnd;
    let next = headerEnd + 1;
    if (bodySize > 0) {
      bodyStart = next + FRAME_HEAD_BYTES;
      const bodyEnd = bodyStart + bodySize;
      if (bodySize > this.#maxPayload || bodySize > this.#maxMessageBytes || bodyEnd >= length) return start;
      if (chunk[next] !== FRAME_BODY || u16(chunk, next + 1) !== channel) return start;
      if (u32(chunk, next + 3) !== bodySize || chunk[bodyEnd] !== FRAME_END) return start;
      next = bodyEnd + 1;
    }

    const delivery = this.#delivery;
    delivery.tag = inbox.nextTag++;
    delivery.redelivered = ((chunk[tagAt + 8] as number) & 1) === 1;
    delivery.source = chunk;
    delivery.propertiesStart = header + FRAME_HEAD_BYTES + HEADER_FIXED_BYTES;
    delivery.propertiesEnd = headerEnd;
    delivery.bodyStart = bodyStart;
    delivery.bodyEnd = bodyStart + bodySize;
    this.#touch(inbox);
    inbox.sink.deliver(delivery);
    return next;
  }

  #touch(inbox: ContentInbox): void {
    if (inbox.touched) return;
    inbox.touched = true;
    this.#touched.push(inbox);
  }

  /** One step of the frame-by-frame path. @returns the position behind what was used, always further than `start` */
  #takePiece(chunk: Buffer, start: number, length: number): number {
    if (this.#stage === 'body') return this.#takeBody(chunk, start, length);
    if (this.#stage === 'gather') return this.#takeCarry(chunk, start, length);
    if (length - start < FRAME_HEAD_BYTES) return this.#carryOn(chunk, start, length);
    const size = u32(chunk, start + 3);
    if (!this.#checkHead(chunk, start)) return length;
    const payload = start + FRAME_HEAD_BYTES;
    if (chunk[start] === FRAME_BODY) {
      this.#beginBody(u16(chunk, start + 1), size);
      return payload;
    }
    if (payload + size >= length) return this.#carryOn(chunk, start, length);
    this.#takeFrame(chunk, start);
    return payload + size + 1;
  }

  /** Keeps a part of a frame for the next chunk. */
  #carryOn(chunk: Buffer, start: number, end: number): number {
    this.#stage = 'gather';
    this.#reserveCarry(this.#carried + end - start);
    this.#carried += chunk.copy(this.#carry, this.#carried, start, end);
    return end;
  }

  /** Adds to the carry what its frame still lacks: first the head, then all of it. */
  #takeCarry(chunk: Buffer, start: number, length: number): number {
    if (this.#carried < FRAME_HEAD_BYTES) {
      const headEnd = Math.min(length, start + FRAME_HEAD_BYTES - this.#carried);
      this.#carryOn(chunk, start, headEnd);
      if (this.#carried < FRAME_HEAD_BYTES) return headEnd;
      if (!this.#checkHead(this.#carry, 0)) return length;
      if (this.#carry[0] === FRAME_BODY) {
        this.#carried = 0;
        this.#beginBody(u16(this.#carry, 1), u32(this.#carry, 3));
      }
      return headEnd;
    }
    const frameBytes = u32(this.#carry, 3) + FRAME_OVERHEAD_BYTES;
    const end = Math.min(length, start + frameBytes - this.#carried);
    this.#carryOn(chunk, start, end);
    if (this.#carried === frameBytes) {
      this.#carried = 0;
      this.#stage = 'boundary';
      this.#takeFrame(this.#carry, 0);
    }
    return end;
  }

  #reserveCarry(bytes: number): void {
    if (bytes <= this.#carry.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(bytes, this.#carry.length * 2));
    this.#carry.copy(grown, 0, 0, this.#carried);
    this.#carry = grown;
  }

  #checkHead(source: Buffer, start: number): boolean {
    const type = source[start] as number;
    const size = u32(source, start + 3);
    if (type !== FRAME_METHOD && type !== FRAME_HEADER && type !== FRAME_BODY && type !== FRAME_HEARTBEAT) {
      return this.#fail(describeAlien(source.subarray(start, start + FRAME_HEAD_BYTES)));
    }
    if (size > this.#maxPayload)
      return this.#fail(`got a frame of ${size} bytes, expected at most ${this.#maxPayload}`);
    return true;
  }

  /** A whole frame that is no body frame. */
  #takeFrame(source: Buffer, start: number): void {
    const payload = start + FRAME_HEAD_BYTES;
    const channel = u16(source, start + 1);
    const end = payload + u32(source, start + 3);
    if (source[end] !== FRAME_END) {
      this.#failEnd(source[end]);
      return;
    }
    try {
      if (source[start] === FRAME_METHOD) this.#takeMethod(channel, new WireReader(source, payload, end));
      else if (source[start] === FRAME_HEADER) this.#takeHeader(channel, source.subarray(payload, end));
      else if (channel !== 0 || end !== payload) this.#fail('got a heartbeat with a payload or on a channel');
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      this.#failWith(error);
    }
  }

  #takeMethod(channel: number, args: WireReader): void {
    const inbox = this.#inboxes[channel];
    const method = args.u32();
    if (inbox !== undefined && inbox.state !== 'method') {
      this.#fail(`got a method on channel ${channel}, expected the ${inbox.state} of a message`);
    } else if (method === BASIC_RETURN) this.#takeReturn(channel, args);
    else if (method !== BASIC_DELIVER) this.#handler.method(channel, method, args);
    else if (inbox === undefined) this.#fail(`got a delivery on channel ${channel}, which has no consumer`);
    else inbox.takeDeliver(args);
  }

  /** A muted inbox skips the content that follows; the handler sees only its properties. */
  #takeReturn(channel: number, args: WireReader): void {
    this.#handler.method(channel, BASIC_RETURN, args);
    this.muteInbox(channel);
    this.#inboxes[channel]?.expectReturned();
  }

  #takeHeader(channel: number, payload: Buffer): void {
    const inbox = this.#inboxes[channel];
    if (inbox === undefined || inbox.state !== 'header') {
      this.#fail(`got a content header on channel ${channel}, expected ${inbox?.state ?? 'none'}`);
      return;
    }
    inbox.takeHeader(payload, this.#maxMessageBytes);
    if (inbox.returned) this.#handler.returned(channel, payload.subarray(HEADER_FIXED_BYTES));
    else if (inbox.bodyMissing > this.#maxMessageBytes) this.#handler.tooLarge(channel, inbox.bodyMissing);
    if (inbox.bodyMissing === 0) this.#complete(inbox);
  }

  #beginBody(channel: number, size: number): void {
    const inbox = this.#inboxes[channel];
    if (inbox === undefined || inbox.state !== 'body') {
      this.#fail(`got a body frame on channel ${channel}, expected ${inbox?.state ?? 'none'}`);
    } else if (size > inbox.bodyMissing) {
      this.#fail(`got a body frame of ${size} bytes, expected at most ${inbox.bodyMissing}`);
    } else {
      this.#stage = 'body';
      this.#bodyInbox = inbox;
      this.#bodyLeft = size;
    }
  }

  #takeBody(chunk: Buffer, start: number, length: number): number {
    const inbox = this.#bodyInbox as ContentInbox;
    const end = Math.min(length, start + this.#bodyLeft);
    inbox.append(chunk, start, end);
    this.#bodyLeft -= end - start;
    if (end === length) return end;
    if (chunk[end] !== FRAME_END) {
      this.#failEnd(chunk[end]);
      return length;
    }
    this.#stage = 'boundary';
    if (inbox.bodyMissing === 0) this.#complete(inbox);
    return end + 1;
  }

  #complete(inbox: ContentInbox): void {
    this.#touch(inbox);
    inbox.deliver(this.#delivery);
  }

  #failEnd(got: number | undefined): void {
    this.#fail(`got the byte ${got} at the end of a frame, expected ${FRAME_END}`);
  }

  #fail(what: string): false {
    this.#failWith(malformed(what));
    return false;
  }

  #failWith(error: RuntimeError): void {
    this.#error ??= error;
    this.#stage = 'ended';
  }
}

/** Says what answers instead of a broker, where its first bytes tell. */
function describeAlien(head: Buffer): string {
  const text = head.toString('latin1');
  if (text.startsWith('AMQP')) return 'the peer asks for another version of AMQP';
  if (text.startsWith('HTTP')) return 'an HTTP server answers on this port';
  if (head[0] === 0x15 && head[1] === 3) return 'the peer speaks TLS on this port (use amqps://)';
  return `got a frame of type ${head[0]}, expected 1, 2, 3 or 8`;
}

/** Where the short string at `at` ends. */
function afterShortString(source: Buffer, at: number): number {
  return at + 1 + (source[at] as number);
}
