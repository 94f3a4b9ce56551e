import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import {
  deliveryFrames,
  longString,
  method,
  type SentDelivery,
  shortString,
  stringTable,
  u8,
  u16,
  u32,
} from './amqp-frames.ts';

/** A frame that the client sent. What is no method has the frame's type for one: content header '2', body '3', heartbeat '8'. */
export interface SentFrame {
  /** `class.method`, e.g. '60.20' for basic.consume. */
  readonly method: string;
  readonly channel: number;
  readonly args: Buffer;
}

export interface PeerScript {
  readonly mechanisms?: string;
  readonly frameMax?: number;
  readonly channelMax?: number;
  readonly heartbeatSeconds?: number;
  /** Called for each frame before the usual answer; true: answered (or ignored) by the script. */
  readonly answer?: (peer: PeerConnection, sent: SentFrame) => boolean;
  /** TLS with this certificate; `requestCert` to ask the client for its own. */
  readonly tls?: TlsOptions;
}

/**
 * An AMQP 0-9-1 server in this process that does what its script says: by default it answers every method as a broker
 * would, knows no queue and delivers nothing unless told to. For what a real broker cannot be made to do.
 */
export class FakeAmqpPeer {
  readonly connections: PeerConnection[] = [];
  readonly #script: PeerScript;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  #port = 0;

  private constructor(script: PeerScript) {
    this.#script = script;
    const accept = (socket: Socket): void => this.#accept(socket);
    this.#server = script.tls === undefined ? createTcpServer(accept) : createTlsServer(script.tls, accept);
    // A client that refuses our certificate is the client's business: it says so itself.
    this.#server.on('tlsClientError', () => undefined);
  }

  static async start(script: PeerScript = {}, port = 0): Promise<FakeAmqpPeer> {
    const peer = new FakeAmqpPeer(script);
    await new Promise<void>((resolve, reject) => {
      peer.#server.once('error', reject);
      peer.#server.listen(port, '127.0.0.1', resolve);
    });
    peer.#port = (peer.#server.address() as AddressInfo).port;
    return peer;
  }

  /** Its port, also after it was stopped: nobody answers there then. */
  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `${this.#script.tls === undefined ? 'amqp' : 'amqps'}://127.0.0.1:${this.#port}`;
  }

  /** The connection with that number, from 0, as soon as it has been made. */
  async connection(index: number): Promise<PeerConnection> {
    for (;;) {
      const connection = this.connections[index];
      if (connection !== undefined) return connection;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Nothing of it is left afterwards. */
  async stop(): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    this.connections.push(new PeerConnection(socket, this.#script));
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** One client as the peer sees it. */
export class PeerConnection {
  /** Everything the client sent, in order. */
  readonly sent: SentFrame[] = [];
  readonly socket: Socket;
  readonly #script: PeerScript;
  readonly #waiting = new Set<() => void>();
  #held: Buffer = Buffer.alloc(0);
  #greeted = false;
  #closed = false;

  constructor(socket: Socket, script: PeerScript) {
    this.socket = socket;
    this.#script = script;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined); // resets are what some scripts are about
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Writes bytes as they are. */
  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  deliver(delivery: SentDelivery): void {
    this.send(...deliveryFrames(delivery));
  }

  /** basic.cancel as a broker sends it when the queue is deleted. */
  cancel(channel: number): void {
    this.send(method(channel, 60, 30, shortString('millrace'), u8(1)));
  }

  closeChannel(channel: number, replyCode: number, replyText: string): void {
    this.send(method(channel, 20, 40, u16(replyCode), shortString(replyText), u32(0)));
  }

  closeConnection(replyCode: number, replyText: string): void {
    this.send(method(0, 10, 50, u16(replyCode), shortString(replyText), u32(0)));
  }

  /** From now on the peer takes nothing off the wire. */
  stopReading(): void {
    this.socket.pause();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Ends with a TCP reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  count(name: string): number {
    return this.sent.filter((frame) => frame.method === name).length;
  }

  /** Resolves as soon as the condition holds; looked at whenever the client sends something or goes. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  async received(name: string, count = 1): Promise<SentFrame> {
    await this.until(() => this.count(name) >= count);
    return this.sent.filter((frame) => frame.method === name)[count - 1] as SentFrame;
  }

  #read(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    if (!this.#greeted) {
      if (this.#held.length < 8) return;
      this.#held = this.#held.subarray(8);
      this.#greeted = true;
      this.#take({ method: 'greeting', channel: 0, args: Buffer.alloc(0) });
    }
    while (this.#held.length >= 8) {
      const end = 7 + this.#held.readUInt32BE(3);
      if (this.#held.length <= end) return;
      this.#take(this.#frame(this.#held.subarray(0, end)));
      this.#held = this.#held.subarray(end + 1);
    }
  }

  #frame(bytes: Buffer): SentFrame {
    const channel = bytes.readUInt16BE(1);
    if (bytes[0] !== 1) return { method: String(bytes[0]), channel, args: bytes.subarray(7) };
    return { method: `${bytes.readUInt16BE(7)}.${bytes.readUInt16BE(9)}`, channel, args: bytes.subarray(11) };
  }

  #take(sent: SentFrame): void {
    this.sent.push(sent);
    if (this.#script.answer?.(this, sent) !== true) this.#answer(sent);
    this.#wake();
  }

  #answer({ method: name, channel, args }: SentFrame): void {
    if (name === 'greeting') this.send(this.#start());
    else if (name === '10.11') this.send(this.#tune());
    else if (name === '10.40') this.send(method(0, 10, 41, shortString('')));
    else if (name === '10.50') this.send(method(0, 10, 51));
    else if (name === '20.10') this.send(method(channel, 20, 11, longString('')));
    else if (name === '20.40') this.send(method(channel, 20, 41));
    else if (name === '60.10') this.send(method(channel, 60, 11));
    else if (name === '60.20') this.send(method(channel, 60, 21, shortString(consumerTag(args))));
    else if (name === '60.30') this.send(method(channel, 60, 31, shortString('millrace')));
  }

  #start(): Buffer {
    const server = stringTable({ product: 'FakePeer', version: '1.2.3' });
    const mechanisms = longString(this.#script.mechanisms ?? 'PLAIN AMQPLAIN EXTERNAL');
    return method(0, 10, 10, u8(0), u8(9), server, mechanisms, longString('en_US'));
  }

  #tune(): Buffer {
    const { channelMax = 2047, frameMax = 131_072, heartbeatSeconds = 60 } = this.#script;
    return method(0, 10, 30, u16(channelMax), u32(frameMax), u16(heartbeatSeconds));
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** The consumer tag in the arguments of a basic.consume, behind the queue's name. */
export function consumerTag(args: Buffer): string {
  const lengthAt = 3 + (args[2] as number);
  return args.toString('utf8', lengthAt + 1, lengthAt + 1 + (args[lengthAt] as number));
}
