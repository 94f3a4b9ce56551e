import { RuntimeError } from '../../errors/runtime-error.ts';
import type { ConsumerOptions, DeliverySink } from '../broker.ts';
import type { AmqpConnection, ChannelHandler } from './amqp-connection.ts';
import { channelCloseError, readCloseReason } from './close-reason.ts';
import { malformed } from './content-inbox.ts';
import * as methods from './methods.ts';
import type { WireReader } from './wire-reader.ts';

/**
 * `created` → `opening` channel.open sent → `limiting` basic.qos sent → `subscribing` basic.consume sent →
 * `consuming` ⇄ `growing` another basic.qos and consume sent;
 * `consuming` → `cancelling` basic.cancel sent → `cancelled` acks only →
 * `settling` the last basic.consume sent, where there were acks → `closing` channel.close sent → `closed`.
 */
type ChannelState =
  | 'created'
  | 'opening'
  | 'limiting'
  | 'subscribing'
  | 'consuming'
  | 'growing'
  | 'cancelling'
  | 'cancelled'
  | 'settling'
  | 'closing'
  | 'closed';

const NEXT: Readonly<Record<ChannelState, readonly ChannelState[]>> = {
  created: ['opening', 'closed'],
  opening: ['limiting', 'closing', 'closed'],
  limiting: ['subscribing', 'closing', 'closed'],
  subscribing: ['consuming', 'closing', 'closed'],
  consuming: ['growing', 'cancelling', 'settling', 'closing', 'closed'],
  growing: ['consuming', 'settling', 'closing', 'closed'],
  cancelling: ['cancelled', 'settling', 'closing', 'closed'],
  cancelled: ['settling', 'closing', 'closed'],
  settling: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
};

const AWAITING_REPLY: readonly ChannelState[] = [
  'opening',
  'limiting',
  'subscribing',
  'growing',
  'cancelling',
  'settling',
  'closing',
];

/** We have said that it closes: only what ends it counts. */
const ENDING: readonly ChannelState[] = ['settling', 'closing'];

/** The consumer is there, or will not be any more. */
const DECIDED: readonly ChannelState[] = ['consuming', 'cancelling', 'cancelled', 'settling', 'closing', 'closed'];

/** Told by the channel; undefined as a reason means that we ended it. */
export interface ConsumerChannelEvents {
  /** The broker has confirmed the consumer: deliveries follow. */
  consuming(): void;
  /** No more deliveries, no more acks. Called once, before `closed` is reached where we close it. */
  ended(reason: RuntimeError | undefined): void;
}

/** Travels with every delivery, so it is short; unique per channel is enough, so the second one there is millrace-2. */
const CONSUMER_TAG = 'millrace';
/** See {@link ConsumerChannel}. */
const LAST_CONSUMER_TAG = 'millrace-last';
/** Of RabbitMQ 3: a consumer that gets nothing unasked. RabbitMQ 4 ignores it; then the prefetch of one is the bound. */
const NO_CREDIT = { 'x-credit': { credit: 0, drain: false } };
const REPLY_SUCCESS = 200;

/**
 * One epoch of a consumer: a channel from its open to its close. A prefetch holds for the consumers that begin after it, so
 * a larger one is reached by a further consumer for the difference; delivery tags are the channel's and go on. None is
 * cancelled for that: what a queue has just sent to a consumer that the channel no longer knows would stay unacked, and
 * undelivered, until the channel closes.
 * A basic.cancel from the broker closes the channel, so that what was unacked returns to the queue at once.
 *
 * A channel of RabbitMQ passes 32 acks or nacks on to a quorum queue (`quorum_commands_soft_limit`) and keeps further ones
 * until those are stored; what it still keeps when it closes is lost, and those messages come again although they were
 * acked. So a channel that has acked ends with one more consumer, which takes nothing: its channel waits until the queue
 * has stored it, and with it what was passed on before; then it passes on the rest, and only then it reads our close.
 *
 *     ─▶ │ acks, nacks │ basic.consume │          ─▶ │ channel.close │
 *                                    ◀─ consume-ok │               ◀─ close-ok
 *
 * It is not cancelled: a cancel behind a consume that is not confirmed yet is the end of a channel of RabbitMQ 3.10.
 */
export class ConsumerChannel implements ChannelHandler {
  readonly #connection: AmqpConnection;
  readonly #consumer: ConsumerOptions;
  readonly #sink: DeliverySink;
  readonly #events: ConsumerChannelEvents;
  readonly #waiting: (() => void)[] = [];
  #state: ChannelState = 'created';
  #channel = 0;
  #ended = false;
  /** Of all consumers together. */
  #prefetch = 0;
  #wanted: number;
  #cancelled = 0;
  /** Consumers there have been on this channel. */
  #consumers = 0;
  /** Something was said that the close must not overtake. What is returned returns by the close as well. */
  #hasSettled = false;

  constructor(
    connection: AmqpConnection,
    consumer: ConsumerOptions,
    sink: DeliverySink,
    events: ConsumerChannelEvents,
  ) {
    this.#connection = connection;
    this.#consumer = consumer;
    this.#sink = sink;
    this.#events = events;
    this.#wanted = consumer.prefetch;
  }

  /** Throws E_BROKER_CHANNEL_CLOSED when the connection has no channel left. */
  open(): void {
    this.#channel = this.#connection.openChannel(this);
    this.#move('opening');
    this.#begin(methods.CHANNEL_OPEN).shortString('').end();
    this.#connection.flush();
  }

  ack(tag: number, multiple: boolean): void {
    this.#hasSettled = true;
    this.#connection.writer.ack(this.#channel, tag, multiple);
  }

  nack(tag: number, requeue: boolean): void {
    this.#hasSettled ||= !requeue;
    this.#connection.writer.nack(this.#channel, tag, requeue);
  }

  flush(): void {
    this.#connection.flush();
  }

  /** Adds a consumer for what is missing. Resolves when it consumes, or when the channel no longer does. */
  async grow(prefetch: number): Promise<void> {
    this.#wanted = Math.max(this.#wanted, prefetch);
    await this.#reached(DECIDED);
    if (this.#state !== 'consuming' || this.#prefetch >= this.#wanted) return; // over, or grown meanwhile
    this.#move('growing');
    // At once: the broker takes a channel's methods in turn.
    this.#sendLimit();
    this.#sendConsume();
    this.#connection.flush();
    await this.#reached(DECIDED);
  }

  /** Resolves when no delivery can follow. A channel that is not consuming yet is closed instead. */
  async cancel(): Promise<void> {
    // Not once: an adjustment that waits as well may go first.
    while (this.#state === 'growing') await this.#reached(DECIDED);
    if (this.#state === 'consuming') {
      this.#move('cancelling');
      this.#sendCancels();
      this.#connection.flush();
    } else if (this.#state !== 'cancelling' && this.#state !== 'cancelled') {
      await this.close();
      return;
    }
    await this.#reached(['cancelled', 'settling', 'closing', 'closed']);
  }

  /** Ends the epoch now; resolves when the queue has what was acked and the broker has confirmed, or the connection is gone. */
  async close(): Promise<void> {
    if (!ENDING.includes(this.#state) && this.#state !== 'closed') this.#close(undefined);
    await this.#reached(['closed']);
  }

  method(method: number, args: WireReader): void {
    if (method === methods.CHANNEL_CLOSE) this.#closedByBroker(args);
    else if (this.#state === 'settling') this.#takeWhileSettling(method, args);
    else if (this.#state === 'closing') this.#takeWhileClosing(method);
    else if (method === methods.BASIC_CANCEL) this.#cancelledByBroker(args);
    else this.#takeReply(method);
  }

  tooLarge(bodyBytes: number): void {
    if (ENDING.includes(this.#state)) return;
    const { queue } = this.#consumer;
    const message = `a message of ${bodyBytes} bytes is in '${queue}', more than maxMessageBytes: raise it or remove the message`;
    this.#close(new RuntimeError('E_MESSAGE_TOO_LARGE', message, { details: { queue, bodyBytes } }));
  }

  connectionGone(error: RuntimeError | undefined): void {
    this.#end(error);
    if (this.#state !== 'closed') this.#move('closed');
  }

  #takeReply(method: number): void {
    if (method === methods.CHANNEL_OPEN_OK && this.#state === 'opening') {
      this.#move('limiting');
      this.#sendLimit();
    } else if (method === methods.BASIC_QOS_OK && this.#state === 'limiting') {
      this.#move('subscribing');
      this.#sendConsume();
    } else if (method === methods.BASIC_CONSUME_OK && this.#state === 'subscribing') {
      this.#connection.openInbox(this.#channel, this.#sink);
      this.#move('consuming');
      this.#events.consuming();
    } else if (method === methods.BASIC_CANCEL_OK && this.#state === 'cancelling') {
      this.#cancelled += 1;
      if (this.#cancelled === this.#consumers) this.#move('cancelled');
    } else if (method === methods.BASIC_CONSUME_OK && this.#state === 'growing') {
      this.#move('consuming');
    } else if (method !== methods.BASIC_QOS_OK || this.#state !== 'growing') {
      throw malformed(`got method ${methods.describeMethod(method)} on a channel that is ${this.#state}`);
    }
  }

  /** For the next consumer: what those before it do not have. */
  #sendLimit(): void {
    this.#begin(methods.BASIC_QOS)
      .u32(0)
      .u16(this.#wanted - this.#prefetch)
      .u8(0)
      .end();
    this.#prefetch = this.#wanted;
  }

  #sendConsume(): void {
    this.#consumers += 1;
    const consume = this.#begin(methods.BASIC_CONSUME).u16(0).shortString(this.#consumer.queue);
    consume.shortString(consumerTag(this.#consumers)).u8(0).table({}).end();
  }

  #sendCancels(): void {
    for (let nth = 1; nth <= this.#consumers; nth++) {
      this.#begin(methods.BASIC_CANCEL).shortString(consumerTag(nth)).u8(0).end();
    }
  }

  #sendLastConsumer(): void {
    this.#begin(methods.BASIC_QOS).u32(0).u16(1).u8(0).end();
    const consume = this.#begin(methods.BASIC_CONSUME).u16(0).shortString(this.#consumer.queue);
    consume.shortString(LAST_CONSUMER_TAG).u8(0).table(NO_CREDIT).end();
  }

  #takeWhileSettling(method: number, args: WireReader): void {
    // Replies to what was asked before may still come, and what the broker cancels meanwhile is cancelled anyway.
    if (method === methods.BASIC_CONSUME_OK && args.shortString() === LAST_CONSUMER_TAG) this.#sendClose();
  }

  #takeWhileClosing(method: number): void {
    // Replies to what was asked before the close may still come; only the last one counts.
    if (method !== methods.CHANNEL_CLOSE_OK) return;
    this.#connection.releaseChannel(this.#channel);
    this.#move('closed');
  }

  #closedByBroker(args: WireReader): void {
    const error = channelCloseError(this.#consumer.queue, readCloseReason(args));
    this.#begin(methods.CHANNEL_CLOSE_OK).end();
    // Both sides closed at once: the broker still owes the close-ok, and the number is not free before it.
    if (this.#state === 'closing') return;
    this.#connection.releaseChannel(this.#channel);
    this.#move('closed');
    this.#end(error);
  }

  #cancelledByBroker(args: WireReader): void {
    const tag = args.shortString();
    const noWait = (args.u8() & 1) === 1;
    if (!noWait) this.#begin(methods.BASIC_CANCEL_OK).shortString(tag).end();
    const { queue } = this.#consumer;
    const message = `the broker cancelled the consumer of '${queue}': deleted, moved to another node, or timed out`;
    this.#close(new RuntimeError('E_BROKER_CONSUMER_CANCELLED', message, { details: { queue } }));
  }

  #close(reason: RuntimeError | undefined): void {
    if (this.#state === 'created') this.#move('closed');
    else {
      this.#connection.muteInbox(this.#channel);
      if (this.#hasSettled) this.#settle();
      else this.#sendClose();
    }
    this.#end(reason);
  }

  #settle(): void {
    if (this.#state === 'consuming') this.#sendCancels();
    this.#sendLastConsumer();
    this.#connection.flush();
    this.#move('settling');
  }

  #sendClose(): void {
    this.#begin(methods.CHANNEL_CLOSE).u16(REPLY_SUCCESS).shortString('').u32(0).end();
    this.#connection.flush();
    this.#move('closing');
  }

  #end(reason: RuntimeError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.ended(reason);
  }

  #begin(method: number): AmqpConnection['writer'] {
    return this.#connection.writer.begin(this.#channel, method);
  }

  async #reached(states: readonly ChannelState[]): Promise<void> {
    while (!states.includes(this.#state)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #move(to: ChannelState): void {
    const from = this.#state;
    if (!NEXT[from].includes(to)) throw new RuntimeError('E_STATE', `a channel cannot go from ${from} to ${to}`);
    this.#state = to;
    const change = Number(AWAITING_REPLY.includes(to)) - Number(AWAITING_REPLY.includes(from));
    if (change === 1 || change === -1) this.#connection.countAwaited(change);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function consumerTag(nth: number): string {
  return nth === 1 ? CONSUMER_TAG : `${CONSUMER_TAG}-${nth}`;
}
