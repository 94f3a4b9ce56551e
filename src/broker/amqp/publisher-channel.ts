import { RuntimeError } from '../../errors/runtime-error.ts';
import type { OutgoingMessage, Settle } from '../broker.ts';
import type { AmqpConnection, ChannelHandler } from './amqp-connection.ts';
import { readCloseReason } from './close-reason.ts';
import { malformed } from './content-inbox.ts';
import * as methods from './methods.ts';
import { PublishBlocks } from './publish-blocks.ts';
import { HEADER_FRAME_BYTES, PublishEncoder } from './publish-encoder.ts';
import { type ChannelEnd, channelLostError, nackedError, unroutableError } from './publish-errors.ts';
import { PublishWindow } from './publish-window.ts';
import { isReturned, type ReturnedMessage, readReturn, withProperties } from './returned-message.ts';
import type { WireReader } from './wire-reader.ts';

/** A message on its way. */
export interface Publication {
  message: OutgoingMessage;
  /** What its properties take, which have been checked. */
  readonly propertiesBytes: number;
  /** Called once; undefined: confirmed. */
  readonly settle: Settle;
  /** How many were handed over before it. */
  readonly order: number;
  /** The broker's words when it gave the message back. */
  returned: string | undefined;
}

/**
 * `created` → `opening` channel.open sent → `selecting` confirm.select sent → `publishing` →
 * `closing` channel.close sent, confirms still count → `closed`.
 */
type ChannelState = 'created' | 'opening' | 'selecting' | 'publishing' | 'closing' | 'closed';

const NEXT: Readonly<Record<ChannelState, readonly ChannelState[]>> = {
  created: ['opening', 'closed'],
  opening: ['selecting', 'closing', 'closed'],
  selecting: ['publishing', 'closing', 'closed'],
  publishing: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
};

export interface PublisherChannelEvents {
  /** Messages may be sent. */
  publishing(): void;
  settled(publication: Publication, error: RuntimeError | undefined): void;
  /** A confirm or the socket has made room for more. */
  roomy(): void;
  /** Called once. Unless we closed it, all that was in flight has been settled. */
  ended(channel: PublisherChannel, end: ChannelEnd | undefined): void;
}

const REPLY_SUCCESS = 200;

/**
 * One channel in confirm mode, from its open to its close.
 *
 *     send ──▶ encoded into a block ── end of the turn, or block full ──▶ socket
 *     basic.return A, basic.ack A      in this order: at its confirm it is known of a message whether it found a queue
 *     channel.close                    with a reason, which is that of the messages it names; the others are in doubt
 *
 * Returns come in the order of publishing, so each belongs to the first message behind the one returned last that was
 * published to the same place with the same ids. Where that is not one message, the candidates are the same to their
 * receivers too.
 */
export class PublisherChannel implements ChannelHandler {
  readonly #connection: AmqpConnection;
  readonly #events: PublisherChannelEvents;
  readonly #window: PublishWindow<Publication>;
  readonly #blocks: PublishBlocks;
  #encoder: PublishEncoder | undefined;
  #state: ChannelState = 'created';
  #channel = 0;
  #flushScheduled = false;
  #ended = false;
  /** Of the basic.return whose properties come next. */
  #return: ReturnedMessage | undefined;
  #returnedUpTo = 0;
  #closed: (() => void) | undefined;
  readonly #untilClosed: Promise<void>;

  constructor(connection: AmqpConnection, window: number, events: PublisherChannelEvents) {
    this.#connection = connection;
    this.#events = events;
    this.#window = new PublishWindow(window);
    this.#blocks = new PublishBlocks(
      (bytes, written) => connection.send(bytes, written),
      () => events.roomy(),
    );
    this.#untilClosed = new Promise((resolve) => {
      this.#closed = resolve;
    });
  }

  /** Messages that are not settled. */
  get inFlight(): number {
    return this.#window.size;
  }

  /** Messages may be sent, and the socket keeps up with them. */
  get writable(): boolean {
    return this.#state === 'publishing' && !this.#blocks.full;
  }

  /** Bytes that the properties of a message may take here. */
  get maxPropertiesBytes(): number {
    return this.#connection.frameMax - HEADER_FRAME_BYTES;
  }

  /** Throws E_BROKER_CHANNEL_CLOSED when the connection has no channel left. */
  open(): void {
    this.#channel = this.#connection.openChannel(this);
    this.#encoder = new PublishEncoder(this.#blocks, this.#channel, this.#connection.frameMax);
    this.#move('opening');
    this.#begin(methods.CHANNEL_OPEN).shortString('').end();
    this.#connection.flush();
  }

  /** Only while it is `writable`. Leaves at the end of the turn at the latest. */
  send(publication: Publication): void {
    this.#window.add(publication);
    this.#encoder?.encode(publication.message, publication.propertiesBytes);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(this.#flush);
  }

  /** Resolves when the broker has confirmed it or the connection is gone; what it does not settle is left in flight. */
  close(): Promise<void> {
    if (this.#state === 'created') this.#move('closed');
    else if (this.#state !== 'closing' && this.#state !== 'closed') {
      this.#flush();
      this.#begin(methods.CHANNEL_CLOSE).u16(REPLY_SUCCESS).shortString('').u32(0).end();
      this.#connection.flush();
      this.#move('closing');
      this.#end(undefined);
    }
    return this.#untilClosed;
  }

  /** What is in flight, of which nothing more will be told. */
  takeInFlight(): Publication[] {
    return this.#window.takeAll();
  }

  method(method: number, args: WireReader): void {
    if (method === methods.BASIC_ACK) this.#settle(args, false);
    else if (method === methods.BASIC_NACK) this.#settle(args, true);
    else if (method === methods.BASIC_RETURN) this.#return = readReturn(args);
    else if (method === methods.CHANNEL_CLOSE) this.#closedByBroker(args);
    else if (this.#state === 'closing') this.#takeWhileClosing(method);
    else this.#takeReply(method);
  }

  /** The content header of the message that the last basic.return is about. */
  returned(properties: Buffer): void {
    if (this.#return === undefined) throw malformed('got the content of a basic.return without one');
    const returned = withProperties(this.#return, properties);
    this.#return = undefined;
    const found = this.#window.find(this.#returnedUpTo + 1, ({ message }) => isReturned(message, returned));
    if (found === undefined) return; // we gave it up meanwhile
    this.#returnedUpTo = found.tag;
    found.item.returned = returned.said;
  }

  connectionGone(error: RuntimeError | undefined): void {
    this.#lose({ replyCode: undefined, said: error?.message ?? 'the connection was closed by us' });
  }

  #takeReply(method: number): void {
    if (method === methods.CHANNEL_OPEN_OK && this.#state === 'opening') {
      this.#move('selecting');
      this.#begin(methods.CONFIRM_SELECT).u8(0).end();
    } else if (method === methods.CONFIRM_SELECT_OK && this.#state === 'selecting') {
      this.#move('publishing');
      this.#events.publishing();
    } else throw malformed(`got method ${methods.describeMethod(method)} on a channel that is ${this.#state}`);
  }

  #settle(args: WireReader, refused: boolean): void {
    const tag = args.u32() * 2 ** 32 + args.u32();
    const multiple = (args.u8() & 1) === 1;
    for (const publication of this.#window.take(tag, multiple)) {
      const { message, returned } = publication;
      if (returned !== undefined) this.#events.settled(publication, unroutableError(message, returned));
      else this.#events.settled(publication, refused ? nackedError(message) : undefined);
    }
    this.#events.roomy();
  }

  #takeWhileClosing(method: number): void {
    // Replies to what was asked before the close may still come; only the last one counts.
    if (method !== methods.CHANNEL_CLOSE_OK) return;
    this.#connection.releaseChannel(this.#channel);
    this.#move('closed');
  }

  #closedByBroker(args: WireReader): void {
    const { replyCode, replyText } = readCloseReason(args);
    // What is still in a block was meant for the channel that is no more.
    this.#blocks.discard();
    this.#begin(methods.CHANNEL_CLOSE_OK).end();
    // Both sides closed at once: the broker still owes the close-ok, and the number is not free before it.
    if (this.#state === 'closing') return;
    this.#connection.releaseChannel(this.#channel);
    this.#lose({ replyCode, said: replyText });
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false;
    this.#blocks.flush();
  };

  #lose(end: ChannelEnd): void {
    this.#blocks.discard();
    if (this.#state !== 'closed') this.#move('closed');
    for (const publication of this.#window.takeAll()) {
      const { message, returned } = publication;
      const error = returned === undefined ? channelLostError(message, end) : unroutableError(message, returned);
      this.#events.settled(publication, error);
    }
    this.#end(end);
  }

  #end(end: ChannelEnd | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.ended(this, end);
  }

  #begin(method: number): AmqpConnection['writer'] {
    return this.#connection.writer.begin(this.#channel, method);
  }

  #move(to: ChannelState): void {
    if (!NEXT[this.#state].includes(to))
      throw new RuntimeError('E_STATE', `a publishing channel cannot go from ${this.#state} to ${to}`);
    this.#state = to;
    if (to === 'closed') this.#closed?.();
  }
}
