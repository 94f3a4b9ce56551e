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
import { METHOD, methodId, tagAt } from './raw-amqp.ts';
import { TagLedger } from './tag-ledger.ts';

const CONSUME = methodId(60, 20);
const REJECT = methodId(60, 90);
const PROTOCOL_HEADER_BYTES = 8;

/** The clock of the bench: monotonic, and one for all processes of the machine. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Something that is measured besides, over the same time. */
export interface Meter {
  begin(): void;
  end(): void;
}

export interface WireWatchRequest {
  readonly queue: string;
  readonly messages: number;
}

interface Stream {
  rest: Buffer | undefined;
  amqp: boolean;
}

export class WireWatch {
  /** When each tag's ack left, ms; index 0 is tag 1. */
  readonly ackTimes: Float64Array;
  /** Resolves when as many tags are acked as there are messages. */
  readonly allAcked: Promise<void>;
  startMs = 0;
  endMs = 0;
  /** CPU time of all threads of this process between start and end. */
  cpuMicros = 0;
  /** Messages given back or refused. */
  nacked = 0;
  readonly #tags: TagLedger;
  readonly #queue: string;
  readonly #meter: Meter | undefined;
  readonly #streams = new WeakMap<object, Stream>();
  #consumer: { stream: Stream; channel: number } | undefined;
  #startCpu: NodeJS.CpuUsage = { user: 0, system: 0 };
  #resolve: () => void = () => {};

  constructor(request: WireWatchRequest, meter?: Meter) {
    this.#meter = meter;
    this.#queue = request.queue;
    this.#tags = new TagLedger(request.messages);
    this.ackTimes = new Float64Array(request.messages);
    this.allAcked = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get acked(): number {
    return this.#tags.settled;
  }

  get unknownTags(): number {
    return this.#tags.unknown;
  }

  /** Starts time and CPU anew, for a scenario in which the consumer waits for the first message. */
  restart(): void {
    this.startMs = nowMs();
    this.#startCpu = process.cpuUsage();
    this.#meter?.begin();
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
      if (id === METHOD.ack) this.#ack(tagAt(buffer, start), buffer[start + 8] === 1);
      else if (id === METHOD.nack || id === REJECT) this.nacked++;
    }
  }

  #ack(tag: number, multiple: boolean): void {
    const now = nowMs();
    this.#tags.settle(tag, multiple, (settled) => {
      this.ackTimes[settled - 1] = now;
    });
    this.endMs = now;
    if (this.#tags.settled < this.#tags.tags) return;
    this.#end();
    this.#resolve();
  }

  /** For a run that did not get to its end: CPU up to now. */
  giveUp(): void {
    this.#end();
  }

  #end(): void {
    const cpu = process.cpuUsage(this.#startCpu);
    this.cpuMicros = cpu.user + cpu.system;
    this.#meter?.end();
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
