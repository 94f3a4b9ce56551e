/**
 * As little AMQP 0-9-1 as a bench needs: one connection, one channel, frames in, frames out. Used by the filler, the
 * publishers and the bare reader, so that none of the three is measured through a library. No recovery: an error rejects.
 */
import net from 'node:net';

export interface RawTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly vhost: string;
}

/** What arrives on channel 1 once it is open. Byte ranges are valid only during the call. */
export interface RawSink {
  method(id: number, source: Buffer, start: number): void;
  header(source: Buffer, start: number, end: number): void;
  body(source: Buffer, start: number, end: number): void;
  /** One socket read has been handed over. */
  readEnded(): void;
}

export const METHOD = {
  connectionStart: methodId(10, 10),
  connectionTune: methodId(10, 30),
  connectionOpenOk: methodId(10, 41),
  connectionClose: methodId(10, 50),
  connectionCloseOk: methodId(10, 51),
  channelOpenOk: methodId(20, 11),
  channelClose: methodId(20, 40),
  qosOk: methodId(60, 11),
  consumeOk: methodId(60, 21),
  deliver: methodId(60, 60),
  ack: methodId(60, 80),
  nack: methodId(60, 120),
  confirmSelectOk: methodId(85, 11),
} as const;

const FRAME_END = 206;
const FRAME_MAX = 131072;
/** What a frame of that size carries besides its head and end. */
export const FRAME_PAYLOAD_MAX: number = FRAME_MAX - 8;
const IGNORE: RawSink = { method() {}, header() {}, body() {}, readEnded() {} };

export function methodId(classId: number, number: number): number {
  return classId * 65536 + number;
}

export function targetOf(url: string): RawTarget {
  const parsed = new URL(url);
  if (parsed.protocol !== 'amqp:') throw new Error(`the bench needs an amqp:// URL, got ${parsed.protocol}//`);
  return {
    host: parsed.hostname || 'localhost',
    port: Number(parsed.port || 5672),
    user: decodeURIComponent(parsed.username || 'guest'),
    password: decodeURIComponent(parsed.password || 'guest'),
    vhost: parsed.pathname.length > 1 ? decodeURIComponent(parsed.pathname.slice(1)) : '/',
  };
}

export function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function long(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function longLong(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function shortString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

export function frame(type: number, channel: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type]), short(channel), long(payload.length), payload, Buffer.from([FRAME_END])]);
}

export function method(channel: number, id: number, ...parts: readonly Buffer[]): Buffer {
  return frame(1, channel, Buffer.concat([long(id), ...parts]));
}

/** A delivery tag is a u64; these are exact up to 2^53. */
export function tagAt(source: Buffer, at: number): number {
  return source.readUInt32BE(at) * 4294967296 + source.readUInt32BE(at + 4);
}

export class RawConnection {
  /** Set it once the connection is open; until then what arrives on the channel is ignored. */
  sink: RawSink = IGNORE;
  /** Rejects when the connection or channel ends without `close`. */
  readonly failed: Promise<never>;
  readonly #socket: net.Socket;
  readonly #waiting = new Map<number, () => void>();
  #rest: Buffer | undefined;
  #fail: (error: Error) => void = () => {};
  #closing = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => {}); // whoever races with it sees the error; nobody needs to
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => {
      if (!this.#closing) this.#fail(new Error('RabbitMQ closed the connection'));
    });
    socket.on('data', (chunk) => this.#read(chunk));
  }

  /** Connects, authenticates and opens channel 1. */
  static async open(target: RawTarget): Promise<RawConnection> {
    const socket = net.connect(target.port, target.host);
    socket.setNoDelay(true);
    const connection = new RawConnection(socket);
    await connection.call(METHOD.connectionStart, Buffer.from('AMQP\0\0\x09\x01', 'latin1'));
    const response = Buffer.from(`\0${target.user}\0${target.password}`);
    const credentials = [long(0), shortString('PLAIN'), long(response.length), response, shortString('en_US')];
    await connection.call(METHOD.connectionTune, method(0, methodId(10, 11), ...credentials));
    connection.write(method(0, methodId(10, 31), short(2047), long(FRAME_MAX), short(0)));
    const open = method(0, methodId(10, 40), shortString(target.vhost), shortString(''), Buffer.from([0]));
    await connection.call(METHOD.connectionOpenOk, open);
    await connection.call(METHOD.channelOpenOk, method(1, methodId(20, 10), shortString('')));
    return connection;
  }

  /** Writes; false when the socket asks to wait for `drained`. */
  write(bytes: Buffer): boolean {
    return this.#socket.write(bytes);
  }

  /** Everything written until the next tick leaves in one system call. */
  cork(): void {
    if (this.#socket.writableCorked > 0) return;
    this.#socket.cork();
    process.nextTick(() => this.#socket.uncork());
  }

  async drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain) return;
    await Promise.race([new Promise<void>((resolve) => this.#socket.once('drain', resolve)), this.failed]);
  }

  /** Writes a request and waits for the method that answers it. */
  async call(answer: number, request: Buffer): Promise<void> {
    const answered = new Promise<void>((resolve) => this.#waiting.set(answer, resolve));
    this.write(request);
    await Promise.race([answered, this.failed]);
  }

  async close(): Promise<void> {
    await this.call(
      METHOD.connectionCloseOk,
      method(0, methodId(10, 50), short(200), shortString(''), short(0), short(0)),
    );
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.destroy();
    await closed;
  }

  #read(chunk: Buffer): void {
    const buffer = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (buffer.length - at >= 8) {
      const end = at + 8 + buffer.readUInt32BE(at + 3);
      if (end > buffer.length) break;
      const type = buffer[at];
      if (type === 1) this.#method(buffer, at + 7);
      else if (type === 2) this.sink.header(buffer, at + 7, end - 1);
      else if (type === 3) this.sink.body(buffer, at + 7, end - 1);
      at = end;
    }
    this.#rest = at < buffer.length ? buffer.subarray(at) : undefined;
    this.sink.readEnded();
  }

  #method(buffer: Buffer, at: number): void {
    const id = buffer.readUInt32BE(at);
    if (id === METHOD.deliver || id === METHOD.ack) return this.sink.method(id, buffer, at + 4);
    if (id === METHOD.connectionClose || id === METHOD.channelClose) {
      const code = buffer.readUInt16BE(at + 4);
      const length = buffer[at + 6] ?? 0;
      return this.#fail(new Error(`RabbitMQ: ${code} ${buffer.toString('utf8', at + 7, at + 7 + length)}`));
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting === undefined) this.sink.method(id, buffer, at + 4);
    else waiting();
  }
}
