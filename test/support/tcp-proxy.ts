import { createConnection, createServer, type Server, type Socket } from 'node:net';

export type Direction = 'to-server' | 'to-client';

const BOTH: readonly Direction[] = ['to-server', 'to-client'];

/** Which bytes are swallowed; by default all of them. */
export interface BlackHole {
  /** One way only: the other way still works, as with a route that is broken in one direction. */
  readonly direction?: Direction;
  /** Only connections that are open now and whose client named this when it began, e.g. an AMQP connection name. */
  readonly named?: string;
}

/** How the bytes of one direction travel. */
interface Shaping {
  /** Largest piece written at once; Infinity: as it came. */
  sliceBytes: number;
  /** Infinity: at once. */
  bytesPerSecond: number;
}

/**
 * A TCP proxy in this process that can behave like a broken network. Point the client at `port`, the proxy at the server.
 *
 *     client ──to-server──▶ proxy ──to-server──▶ server
 *            ◀──to-client──       ◀──to-client──
 *
 * Two switches that do not know each other: whether it accepts connections, and whether it passes bytes on (a black
 * hole takes them and says nothing: what a half-open connection looks like). `resume` sets both back. A connection that
 * was made in or caught by a black hole stays dead, as bytes of it are lost: `resume` resets it.
 */
export class TcpProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<Pair>();
  readonly #waiting = new Set<() => void>();
  readonly #bytes: Record<Direction, number> = { 'to-server': 0, 'to-client': 0 };
  readonly #pieces: Record<Direction, number> = { 'to-server': 0, 'to-client': 0 };
  readonly #cutAt: Record<Direction, number> = { 'to-server': Infinity, 'to-client': Infinity };
  readonly #shaping: Shaping = { sliceBytes: Infinity, bytesPerSecond: Infinity };
  #server: Server | undefined;
  #port = 0;
  #swallowed: readonly Direction[] = [];
  #accepted = 0;

  private constructor(host: string, port: number) {
    this.#target = { host, port };
  }

  /** @param target - `host:port` of the real server */
  static async start(target: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(`tcp://${target}`);
    const proxy = new TcpProxy(hostname, Number(port));
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** `127.0.0.1:port`, to be put into a URL. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** The same URL with this proxy in the place of its host. */
  through(url: string): string {
    return url.replace(new URL(url).host, this.address);
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Bytes that arrived so far to be passed on in this direction. */
  bytes(direction: Direction): number {
    return this.#bytes[direction];
  }

  /** Pieces that were passed on so far, cut as asked, in this direction. */
  pieces(direction: Direction): number {
    return this.#pieces[direction];
  }

  /** Resolves as soon as `condition` holds; looked at whenever a connection or bytes come or go. */
  async until(condition: (proxy: TcpProxy) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** Ends every connection with a TCP reset on both sides; new ones are accepted. */
  resetAll(): void {
    for (const pair of [...this.#pairs]) pair.reset();
  }

  /** Takes all bytes, by default in both directions and on new connections too, and passes none on. */
  blackHole({ direction, named }: BlackHole = {}): void {
    const swallowed = direction === undefined ? BOTH : [direction];
    if (named === undefined) this.#swallowed = swallowed;
    for (const pair of this.#pairs) if (named === undefined || pair.names(named)) pair.swallow(swallowed);
  }

  /** Refuses new connections; those that are open stay. */
  async stopAccepting(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close(); // calls back only when the last connection ends, but refuses new ones from now on
  }

  /** What a server that went down looks like: nothing is open, nothing can be opened. */
  async goDown(): Promise<void> {
    await this.stopAccepting();
    this.resetAll();
  }

  /** Passes bytes on and accepts connections, on the same port as before. */
  async resume(): Promise<void> {
    this.#swallowed = [];
    for (const pair of [...this.#pairs]) if (pair.spoilt) pair.reset();
    if (this.#server === undefined) await this.#listen();
  }

  /** Passes bytes on in pieces of at most so many; Infinity ends that. */
  slice(sliceBytes: number): void {
    this.#shaping.sliceBytes = sliceBytes;
  }

  /** Passes on at most so many bytes a second, each direction of each connection; Infinity ends that. */
  throttle(bytesPerSecond: number): void {
    this.#shaping.bytesPerSecond = bytesPerSecond;
  }

  /** Once: after `bytes` more bytes in that direction, counted over all connections, resets the one that carries them. */
  cutAfter(direction: Direction, bytes: number): void {
    this.#cutAt[direction] = this.#bytes[direction] + bytes;
  }

  /** Nothing of it is left afterwards. */
  async stop(): Promise<void> {
    await this.goDown();
    this.#wake();
  }

  async #listen(): Promise<void> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#accept(client));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
    this.#port = address.port;
    this.#server = server;
  }

  #accept(client: Socket): void {
    this.#accepted++;
    const server = createConnection({ ...this.#target, noDelay: true, allowHalfOpen: true });
    const pair = new Pair(client, server, () => {
      this.#pairs.delete(pair);
      this.#wake();
    });
    this.#pairs.add(pair);
    pair.swallow(this.#swallowed);
    this.#carry(pair, 'to-server', client, server);
    this.#carry(pair, 'to-client', server, client);
    this.#wake();
  }

  #carry(pair: Pair, direction: Direction, from: Socket, to: Socket): void {
    const lane = new Lane(from, to, this.#shaping, () => void this.#pieces[direction]++);
    from.on('data', (chunk) => {
      const room = this.#cutAt[direction] - this.#bytes[direction];
      this.#bytes[direction] += chunk.length;
      if (direction === 'to-server') pair.greeted(chunk);
      if (!pair.swallows(direction)) {
        if (chunk.length >= room) {
          this.#cutAt[direction] = Infinity;
          to.write(chunk.subarray(0, room), () => pair.reset());
        } else lane.push(chunk);
      }
      this.#wake();
    });
    from.on('end', () => {
      if (!pair.swallows(direction)) lane.end();
    });
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** An AMQP client names itself in its first frame. */
const GREETING_BYTES = 1024;

/** The two sockets of one connection: they end together. */
class Pair {
  readonly #sockets: readonly [Socket, Socket];
  readonly #swallowed = new Set<Direction>();
  #greeting: Buffer = Buffer.alloc(0);
  #open = 2;

  constructor(client: Socket, server: Socket, closed: () => void) {
    this.#sockets = [client, server];
    for (const socket of this.#sockets) {
      socket.on('error', () => this.reset()); // what the peer sees is the test's subject, what we see is not
      socket.on('close', () => {
        if (--this.#open === 0) closed();
        else this.#endOther(socket);
      });
    }
  }

  /** From now on bytes of these directions are missing: it can never be right again. */
  swallow(directions: readonly Direction[]): void {
    for (const direction of directions) this.#swallowed.add(direction);
  }

  swallows(direction: Direction): boolean {
    return this.#swallowed.has(direction);
  }

  get spoilt(): boolean {
    return this.#swallowed.size > 0;
  }

  /** Keeps the beginning of what the client says: there it names itself. */
  greeted(chunk: Buffer): void {
    if (this.#greeting.length < GREETING_BYTES) this.#greeting = Buffer.concat([this.#greeting, chunk]);
  }

  names(text: string): boolean {
    return this.#greeting.subarray(0, GREETING_BYTES).includes(text);
  }

  reset(): void {
    for (const socket of this.#sockets) {
      // A socket that was ended cannot be reset: Node would leave its handle open for ever.
      if (socket.writableEnded) socket.destroy();
      else if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  #endOther(closed: Socket): void {
    const [client, server] = this.#sockets;
    const other = client === closed ? server : client;
    const direction = client === closed ? 'to-server' : 'to-client';
    if (!this.swallows(direction) && !other.destroyed) other.destroySoon();
  }
}

/** Bytes on their way in one direction, cut and slowed down as asked. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #shaping: Shaping;
  readonly #passed: () => void;
  #queue: Buffer[] = [];
  #moving = false;
  #ending = false;

  /** @param passed - called for each piece */
  constructor(from: Socket, to: Socket, shaping: Shaping, passed: () => void) {
    this.#from = from;
    this.#to = to;
    this.#shaping = shaping;
    this.#passed = passed;
    to.on('drain', () => {
      if (!this.#moving) from.resume();
    });
  }

  push(chunk: Buffer): void {
    const { sliceBytes, bytesPerSecond } = this.#shaping;
    if (!this.#moving && sliceBytes === Infinity && bytesPerSecond === Infinity) {
      this.#passed();
      if (!this.#to.write(chunk)) this.#from.pause();
      return;
    }
    this.#queue.push(chunk);
    this.#from.pause();
    if (!this.#moving) this.#move();
  }

  end(): void {
    this.#ending = true;
    if (!this.#moving) this.#to.end();
  }

  #move(): void {
    const chunk = this.#queue.shift();
    this.#moving = chunk !== undefined;
    if (chunk === undefined || this.#to.destroyed) {
      if (this.#ending) this.#to.end();
      this.#from.resume();
      return;
    }
    const { sliceBytes, bytesPerSecond } = this.#shaping;
    const size = Math.max(1, Math.min(chunk.length, sliceBytes, Math.ceil(bytesPerSecond / 50)));
    this.#to.write(chunk.subarray(0, size));
    this.#passed();
    if (size < chunk.length) this.#queue.unshift(chunk.subarray(size));
    if (bytesPerSecond === Infinity) setImmediate(() => this.#move());
    else setTimeout(() => this.#move(), (size / bytesPerSecond) * 1000);
  }
}
