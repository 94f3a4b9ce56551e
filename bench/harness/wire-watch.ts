/**
 * Watches what a contender writes to RabbitMQ, in its own process: when its basic.consume leaves, and when each ack
 * leaves. So start, end and the number of acks are taken at the same two places for every contender, whatever it is
 * made of, and an ack of a tag that is not outstanding does not go unnoticed.
 *
 *     basic.consume ──▶ start of time and CPU        ack of the last message ──▶ end
 *
 * Cost: a look at each write. A contender writes once a batch, not once a message.
 */
import net from 'node:net';
import { AckWatch, type Meter, type WatchRequest } from './ack-watch.ts';
import { METHOD, methodId, tagAt } from './raw-amqp.ts';

const CONSUME = methodId(60, 20);
const REJECT = methodId(60, 90);
const PROTOCOL_HEADER_BYTES = 8;

interface Stream {
  rest: Buffer | undefined;
  amqp: boolean;
}

export class WireWatch extends AckWatch {
  readonly #queue: string;
  readonly #streams = new WeakMap<object, Stream>();
  #consumer: { stream: Stream; channel: number } | undefined;

  constructor({ queue, messages }: WatchRequest, meter?: Meter) {
    super(messages, meter);
    this.#queue = queue;
  }

  /** Takes one write of one socket. */
  saw(socket: object, bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let stream = this.#streams.get(socket);
    if (stream === undefined) {
      const amqp = chunk.length >= PROTOCOL_HEADER_BYTES && chunk.toString('latin1', 0, 4) === 'AMQP';
      stream = { rest: undefined, amqp };
      this.#streams.set(socket, stream);
      if (amqp) this.#frames(stream, chunk.subarray(PROTOCOL_HEADER_BYTES));
    } else if (stream.amqp) this.#frames(stream, chunk);
  }

  #frames(stream: Stream, chunk: Buffer): void {
    const buffer = stream.rest === undefined ? chunk : Buffer.concat([stream.rest, chunk]);
    let at = 0;
    while (buffer.length - at >= 8) {
      const end = at + 8 + buffer.readUInt32BE(at + 3);
      if (end > buffer.length) break;
      if (buffer[at] === 1) this.#method(stream, buffer, at);
      at = end;
    }
    // a copy: the writer may use its buffer again after the call
    stream.rest = at < buffer.length ? Buffer.from(buffer.subarray(at)) : undefined;
  }

  #method(stream: Stream, buffer: Buffer, at: number): void {
    const channel = buffer.readUInt16BE(at + 1);
    const id = buffer.readUInt32BE(at + 7);
    const start = at + 11;
    if (id === CONSUME) {
      const queue = buffer.toString('utf8', start + 3, start + 3 + (buffer[start + 2] ?? 0));
      if (queue !== this.#queue || this.#consumer !== undefined) return; // a later one takes another prefetch
      this.#consumer = { stream, channel };
      this.restart();
    } else if (this.#consumer?.stream === stream && this.#consumer.channel === channel) {
      if (id === METHOD.ack) this.sawAck(tagAt(buffer, start), buffer[start + 8] === 1);
      else if (id === METHOD.nack || id === REJECT) this.nacked++;
    }
  }
}

type Write = (this: net.Socket, ...args: unknown[]) => boolean;

/** Shows `watch` every socket write of this thread from now on. */
export function watchWrites(watch: WireWatch): void {
  const write = Reflect.get(net.Socket.prototype, 'write') as Write;
  const watched: Write = function watched(...args) {
    const [bytes] = args;
    if (bytes instanceof Uint8Array) watch.saw(this, bytes);
    else if (typeof bytes === 'string') watch.saw(this, Buffer.from(bytes)); // amqplib's protocol header
    return write.apply(this, args);
  };
  Reflect.set(net.Socket.prototype, 'write', watched);
}
