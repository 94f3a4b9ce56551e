import type { Socket } from 'node:net';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { DeliverySink } from '../broker.ts';
import type { AmqpBrokerOptions } from './amqp-options.ts';
import { type BrokerTarget, describeUrl } from './broker-url.ts';
import { connectionCloseError, readCloseReason, socketError } from './close-reason.ts';
import { type ConnectionState, nextConnectionState } from './connection-state.ts';
import { malformed } from './content-inbox.ts';
import { FrameParser } from './frame-parser.ts';
import { FrameWriter } from './frame-writer.ts';
import { answerStart, answerTune, FRAME_MAX, PROTOCOL_HEADER } from './handshake.ts';
import { Heartbeat } from './heartbeat.ts';
import * as methods from './methods.ts';
import { openSocket } from './open-socket.ts';
import type { WireReader } from './wire-reader.ts';

/** The connection's owner. Calls are synchronous; none may throw. */
export interface ConnectionEvents {
  blocked(reason: string): void;
  unblocked(): void;
  /** An open connection was lost; not called after `close`. All channels have been told. */
  lost(error: RuntimeError): void;
}

/** What lives on a channel. */
export interface ChannelHandler {
  /** May throw E_BROKER_PROTOCOL, which ends the connection. */
  method(method: number, args: WireReader): void;
  /** Properties of the message that the basic.return before was about; on channels that publish. Valid during the call. */
  returned?(properties: Buffer): void;
  /** A message above the limit is being passed over. */
  tooLarge?(bodyBytes: number): void;
  /** The connection is gone, and the channel with it; undefined where we closed it. */
  connectionGone(error: RuntimeError | undefined): void;
}

/** How long a broker may take to confirm our connection.close before the socket is closed without it. */
const CLOSE_TIMEOUT_MS = 2000;
const REPLY_SUCCESS = 200;

/**
 * One AMQP 0-9-1 connection to one host, from connect to close; another life is another object.
 * States: connection-state.ts. Knows what consumers and publishers need of AMQP and no more.
 *
 * Everything wrong (the socket, the peer's silence, malformed bytes, a connection.close) ends in `#fail` with one coded
 * error, and nothing else ends a connection but `close`. Outgoing frames of all channels are collected in one writer, in
 * order, and go out with `flush`: a stale ack can therefore never follow the close-ok of its channel.
 */
export class AmqpConnection {
  readonly target: BrokerTarget;
  readonly where: string;
  readonly writer: FrameWriter = new FrameWriter();
  readonly #options: AmqpBrokerOptions;
  readonly #events: ConnectionEvents;
  readonly #parser: FrameParser;
  readonly #heartbeat: Heartbeat;
  readonly #channels = new Map<number, ChannelHandler>();
  #state: ConnectionState = 'created';
  #server = '';
  #socket: Socket | undefined;
  #socketGone: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #channelMax = 0;
  #frameMax = 0;
  #heartbeatSeconds = 0;
  #paused = false;
  #reading = true;
  #repliesAwaited = 0;
  #failure: RuntimeError | undefined;
  #settleOpen: ((error: RuntimeError | undefined) => void) | undefined;

  constructor(target: BrokerTarget, options: AmqpBrokerOptions, events: ConnectionEvents) {
    this.target = target;
    this.where = describeUrl(target);
    this.#options = options;
    this.#events = events;
    this.#parser = new FrameParser(
      {
        method: (channel, method, args) => this.#takeMethod(channel, method, args),
        returned: (channel, properties) => this.#channels.get(channel)?.returned?.(properties),
        tooLarge: (channel, bodyBytes) => this.#channels.get(channel)?.tooLarge?.(bodyBytes),
      },
      FRAME_MAX,
      options.maxMessageBytes,
    );
    this.#heartbeat = new Heartbeat({ beat: () => this.#beat(), silent: () => this.#silent() });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Product and version, once it is open. */
  get server(): string {
    return this.#server;
  }

  /** Bytes that one frame may have, once it is open. */
  get frameMax(): number {
    return this.#frameMax;
  }

  /** Why it is closed, where we did not close it. */
  get failure(): RuntimeError | undefined {
    return this.#failure;
  }

  /**
   * Connects and shakes hands within `connectTimeoutMs`. Rejects with E_BROKER_UNREACHABLE, E_BROKER_AUTH,
   * E_BROKER_VHOST or E_BROKER_PROTOCOL.
   */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settleOpen = (error) => (error === undefined ? resolve() : reject(error));
      this.#move('connecting');
      this.#timer = setTimeout(() => this.#connectTimeout(), this.#options.connectTimeoutMs);
      try {
        this.#connect();
      } catch (error) {
        // TLS options that node refuses (a broken certificate, for one) are thrown here, not emitted.
        this.#fail(socketError(this.where, this.#state, error instanceof Error ? error : undefined));
      }
    });
  }

  /** Says goodbye and closes; resolves when the socket is gone, after at most two seconds. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.writer.begin(0, methods.CONNECTION_CLOSE).u16(REPLY_SUCCESS).shortString('bye').u32(0).end();
      this.flush();
      this.#move('closing');
      this.#timer = setTimeout(() => this.#finish(undefined), CLOSE_TIMEOUT_MS);
      this.#goneForChannels(undefined);
      this.#applyReading();
    } else if (this.#state !== 'closing') {
      this.#fail(new RuntimeError('E_BROKER_CONNECTION_CLOSED', `the connection to ${this.where} was closed by us`));
    }
    await this.#socketGone;
  }

  /** Takes a free channel number. Throws E_BROKER_CHANNEL_CLOSED when there is none. */
  openChannel(handler: ChannelHandler): number {
    for (let channel = 1; channel <= this.#channelMax; channel += 1) {
      if (this.#channels.has(channel)) continue;
      this.#channels.set(channel, handler);
      return channel;
    }
    throw new RuntimeError(
      'E_BROKER_CHANNEL_CLOSED',
      `all ${this.#channelMax} channels that ${this.where} allows are in use: consume fewer queues`,
    );
  }

  /** The channel is closed on both sides: its number may be used again. */
  releaseChannel(channel: number): void {
    this.#channels.delete(channel);
    this.#parser.closeInbox(channel);
  }

  openInbox(channel: number, sink: DeliverySink): void {
    this.#parser.openInbox(channel, sink);
  }

  muteInbox(channel: number): void {
    this.#parser.muteInbox(channel);
  }

  /** Writes the frames collected so far in one go. */
  flush(): void {
    const bytes = this.writer.take();
    if (bytes === undefined || this.#socket === undefined || this.#state === 'closed') return;
    this.#socket.write(bytes);
    this.#heartbeat.sent();
  }

  /**
   * Writes whole frames, or parts of them in order, behind what was collected before. They are not copied: `written` says
   * when their memory may be used again.
   */
  send(bytes: Buffer, written: () => void): void {
    this.flush();
    if (this.#socket === undefined || this.#state === 'closed') return;
    this.#socket.write(bytes, written);
    this.#heartbeat.sent();
  }

  /** Stops reading, except while a reply is awaited: without it a cancel or close could never be confirmed. */
  setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#applyReading();
  }

  /** A channel begins (+1) or stops (-1) to wait for a reply. */
  countAwaited(change: 1 | -1): void {
    this.#repliesAwaited += change;
    this.#applyReading();
  }

  #connect(): void {
    const socket = openSocket(this.target, this.#options.tls ?? {}, {
      ready: () => this.#greet(),
      data: (chunk, length) => this.#takeBytes(chunk, length),
      closed: (error) => this.#socketClosed(error),
    });
    this.#socket = socket;
    this.#socketGone = new Promise((resolve) => {
      socket.once('close', () => resolve());
    });
  }

  #greet(): void {
    if (this.#state !== 'connecting') return;
    this.#move('greeting');
    this.#socket?.write(PROTOCOL_HEADER);
  }

  #takeBytes(chunk: Buffer, length: number): void {
    this.#heartbeat.received();
    const error = this.#parser.read(chunk, length);
    if (error !== undefined) this.#fail(error);
  }

  #takeMethod(channel: number, method: number, args: WireReader): void {
    if (channel === 0) this.#takeConnectionMethod(method, args);
    else if (this.#state === 'open') this.#takeChannelMethod(channel, method, args);
    else if (this.#state !== 'closing') throw this.#unexpected(method);
    this.flush();
  }

  #takeChannelMethod(channel: number, method: number, args: WireReader): void {
    const handler = this.#channels.get(channel);
    if (handler === undefined)
      throw malformed(`got method ${methods.describeMethod(method)} on the closed channel ${channel}`);
    handler.method(method, args);
  }

  #takeConnectionMethod(method: number, args: WireReader): void {
    if (method === methods.CONNECTION_CLOSE) this.#takeClose(args);
    else if (method === methods.CONNECTION_CLOSE_OK && this.#state === 'closing') this.#finish(undefined);
    else if (this.#state === 'closing') return;
    else if (method === methods.CONNECTION_BLOCKED && this.#state === 'open') this.#events.blocked(args.shortString());
    else if (method === methods.CONNECTION_UNBLOCKED && this.#state === 'open') this.#events.unblocked();
    else this.#shakeHands(method, args);
  }

  #shakeHands(method: number, args: WireReader): void {
    if (method === methods.CONNECTION_START && this.#state === 'greeting') {
      this.#server = answerStart(args, this.writer, this.target, this.#options.connectionName);
      this.#move('authenticating');
    } else if (method === methods.CONNECTION_TUNE && this.#state === 'authenticating') {
      const wanted = this.target.heartbeatSeconds ?? this.#options.heartbeatSeconds;
      const tuning = answerTune(args, this.writer, this.target.vhost, wanted);
      this.#channelMax = tuning.channelMax;
      this.#heartbeatSeconds = tuning.heartbeatSeconds;
      this.#frameMax = tuning.frameMax;
      this.#parser.limitFrames(tuning.frameMax);
      this.#move('opening');
    } else if (method === methods.CONNECTION_OPEN_OK && this.#state === 'opening') {
      this.#opened();
    } else throw this.#unexpected(method);
  }

  #opened(): void {
    clearTimeout(this.#timer);
    this.#move('open');
    this.#heartbeat.start(this.#heartbeatSeconds);
    this.#applyReading();
    this.#settleOpen?.(undefined);
    this.#settleOpen = undefined;
  }

  #takeClose(args: WireReader): void {
    const error = connectionCloseError(this.where, readCloseReason(args), this.#state === 'opening');
    this.writer.begin(0, methods.CONNECTION_CLOSE_OK).end();
    this.flush();
    if (this.#state === 'closing') this.#finish(undefined);
    else this.#fail(error);
  }

  #applyReading(): void {
    if (this.#socket === undefined || this.#state === 'closed') return;
    const reading = !this.#paused || this.#state !== 'open' || this.#repliesAwaited > 0;
    if (reading === this.#reading) return;
    this.#reading = reading;
    if (reading) {
      this.#heartbeat.resume();
      this.#socket.resume();
    } else {
      this.#heartbeat.pause();
      this.#socket.pause();
    }
  }

  #beat(): void {
    // Bytes that wait for a peer that does not read prove our life as well as another heartbeat behind them would.
    if (this.#socket === undefined || this.#socket.writableLength > 0) return;
    this.writer.heartbeat();
    this.flush();
  }

  #silent(): void {
    const seconds = this.#heartbeatSeconds;
    const message = `nothing came from ${this.where} for two heartbeats of ${seconds} s: taken for dead`;
    this.#fail(new RuntimeError('E_BROKER_HEARTBEAT', message));
  }

  #connectTimeout(): void {
    const ms = this.#options.connectTimeoutMs;
    this.#fail(socketError(this.where, this.#state, new Error(`no answer within ${ms} ms`)));
  }

  #socketClosed(error: Error | undefined): void {
    if (this.#state === 'closing') this.#finish(undefined);
    else if (this.#state !== 'closed') this.#fail(socketError(this.where, this.#state, error));
  }

  #unexpected(method: number): RuntimeError {
    return malformed(`got method ${methods.describeMethod(method)} while ${this.#state}`);
  }

  /** The one way out for whatever is wrong. */
  #fail(error: RuntimeError): void {
    if (this.#state === 'closed') return;
    const wasOpen = this.#state === 'open';
    this.#finish(error);
    this.#settleOpen?.(error);
    this.#settleOpen = undefined;
    if (wasOpen) this.#events.lost(error);
  }

  #finish(error: RuntimeError | undefined): void {
    if (this.#state === 'closed') return;
    this.#move('closed');
    this.#failure = error;
    clearTimeout(this.#timer);
    this.#heartbeat.stop();
    this.#parser.end();
    this.writer.discard();
    // Not destroySoon: it would wait for a peer that reads no more. A close-ok of a few bytes is in the kernel already.
    this.#socket?.destroy();
    this.#goneForChannels(error);
  }

  #goneForChannels(error: RuntimeError | undefined): void {
    const handlers = [...this.#channels];
    this.#channels.clear();
    for (const [channel, handler] of handlers) {
      this.#parser.muteInbox(channel);
      handler.connectionGone(error);
    }
  }

  #move(to: ConnectionState): void {
    this.#state = nextConnectionState(this.#state, to);
  }
}
