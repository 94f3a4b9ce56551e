import { RuntimeError } from '../../errors/runtime-error.ts';
import { Deque } from '../../support/deque.ts';
import type { OutgoingMessage, Publisher, Settle } from '../broker.ts';
import type { AmqpConnection } from './amqp-connection.ts';
import type { ReconnectOptions } from './amqp-options.ts';
import { PublishDrains } from './publish-drains.ts';
import { abandonedError, type ChannelEnd, publisherClosedError } from './publish-errors.ts';
import { checkMessage, publishableMessage, readdressed, requireFrame } from './publishable-message.ts';
import { type Publication, PublisherChannel } from './publisher-channel.ts';
import { Backoff } from './reconnect.ts';
import { RefusalWatch } from './refusal-watch.ts';

type PublisherState = 'away' | 'opening' | 'open' | 'closed';

const NEXT: Readonly<Record<PublisherState, readonly PublisherState[]>> = {
  away: ['opening', 'closed'],
  opening: ['open', 'away', 'closed'],
  open: ['away', 'closed'],
  closed: [],
};

export interface PublisherLimits {
  readonly window: number;
  readonly maxMessageBytes: number;
  readonly reconnect: ReconnectOptions;
  /** Time a broker has to open a channel. */
  readonly openTimeoutMs: number;
}

/** Of the longest wait between reconnects: how long a destination may refuse everything before its channel is replaced. */
const REFUSING_SHARE = 0.5;
/** Time a broker has to confirm the close of the channel. */
const CLOSE_TIMEOUT_MS = 2000;

/**
 * Publishes with pipelined confirms on a channel of its own.
 *
 *     publish ──▶ waiting (no room, no channel) ──▶ in flight (at most `window`) ──▶ settled
 *
 *     away ──connection is there──▶ opening ──▶ open ──channel or connection lost──▶ away       closed from anywhere
 *
 * What is in flight when its channel goes is settled as E_PUBLISH_UNCONFIRMED; what waits, waits for the next channel.
 * While the broker blocks the connection nothing is confirmed, so at most `window` messages are buffered for it.
 * `close` settles what is left at once; whoever wants it confirmed awaits `drained` first.
 *
 * A destination that refuses everything for a while (refusal-watch.ts) gets a new channel, once what is in flight is
 * settled or has had as long again. Cost: about 0.6 µs a small message, beside the socket's
 * (bench/micro/publish-encoder.bench.ts).
 */
export class AmqpPublisher implements Publisher {
  /** Resolves when the first channel is open, rejects when it is closed before. */
  readonly opened: Promise<void>;
  readonly #limits: PublisherLimits;
  readonly #onClosed: (publisher: AmqpPublisher) => void;
  readonly #backoff: Backoff;
  readonly #refusals: RefusalWatch;
  readonly #waiting = new Deque<Publication>();
  readonly #drains = new PublishDrains();
  #replacing = false;
  #state: PublisherState = 'away';
  #connection: AmqpConnection | undefined;
  #channel: PublisherChannel | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #firstOpen: (() => void) | undefined;
  #neverOpen: ((error: RuntimeError) => void) | undefined;

  constructor(limits: PublisherLimits, onClosed: (publisher: AmqpPublisher) => void) {
    this.#limits = limits;
    this.#onClosed = onClosed;
    this.#backoff = new Backoff(limits.reconnect);
    this.#refusals = new RefusalWatch(REFUSING_SHARE * limits.reconnect.maxMs);
    this.opened = new Promise((resolve, reject) => {
      this.#firstOpen = resolve;
      this.#neverOpen = reject;
    });
  }

  publish(message: OutgoingMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      this.submit(message, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  submit(message: OutgoingMessage, settle: Settle): void {
    let publication: Publication;
    try {
      publication = this.#accept(message, settle);
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      settle(error);
      return;
    }
    this.#waiting.push(publication);
    this.#pump();
  }

  drained(): Promise<void> {
    return this.#drains.drained();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** There is a connection. */
  connected(connection: AmqpConnection): void {
    this.#connection = connection;
    if (this.#state === 'away') this.#open();
  }

  /** The connection is lost; the channel, if there was one, has been told already. */
  disconnected(): void {
    this.#connection = undefined;
    clearTimeout(this.#timer);
  }

  /** Throws what `publish` rejects with. */
  #accept(asked: OutgoingMessage, settle: Settle): Publication {
    if (this.#state === 'closed') throw publisherClosedError();
    const message = publishableMessage(asked);
    const propertiesBytes = checkMessage(message, this.#limits.maxMessageBytes);
    return { message, propertiesBytes, settle, order: this.#drains.add(), returned: undefined };
  }

  #open(): void {
    clearTimeout(this.#timer);
    const connection = this.#connection;
    if (connection?.state !== 'open') return; // the next one calls again
    this.#move('opening');
    const channel = new PublisherChannel(connection, this.#limits.window, {
      publishing: () => this.#opened(),
      settled: (publication, error) => this.#settled(publication, error),
      roomy: () => this.#pump(),
      ended: (ended, end) => this.#ended(ended, end),
    });
    this.#channel = channel;
    this.#timer = setTimeout(() => this.#openTimeout(channel), this.#limits.openTimeoutMs);
    try {
      channel.open();
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      this.#ended(channel, { replyCode: undefined, said: error.message });
    }
  }

  #opened(): void {
    clearTimeout(this.#timer);
    this.#move('open');
    this.#replacing = false;
    this.#refusals.clear();
    this.#backoff.up();
    this.#firstOpen?.();
    this.#pump();
  }

  #openTimeout(channel: PublisherChannel): void {
    this.#ended(channel, { replyCode: undefined, said: `no answer within ${this.#limits.openTimeoutMs} ms` });
    void channel.close(); // never rejects
  }

  /** With the connection gone the next one brings the next channel; on a good one it is asked for later. */
  #ended(channel: PublisherChannel, end: ChannelEnd | undefined): void {
    if (this.#channel !== channel || this.#state === 'closed') return;
    const opening = this.#state === 'opening';
    this.#channel = undefined;
    clearTimeout(this.#timer);
    this.#move('away');
    if (this.#connection?.state !== 'open') return;
    this.#timer = setTimeout(() => this.#open(), this.#backoff.next());
    // Whoever waits for the first channel hears of it; once open, publishing waits for the next one.
    if (!opening) return;
    const message = `the broker refused a channel for publishing: ${end?.said ?? 'it was closed'}`;
    this.#neverOpen?.(new RuntimeError('E_BROKER_CHANNEL_CLOSED', message));
  }

  #pump(): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    if (this.#replacing) {
      if (channel.inFlight === 0) void channel.close(); // never rejects; `#ended` opens the next one
      return;
    }
    while (channel.writable && channel.inFlight < this.#limits.window) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#send(channel, next);
    }
  }

  #send(channel: PublisherChannel, publication: Publication): void {
    try {
      publication.message = readdressed(publication.message);
      requireFrame(publication.propertiesBytes, channel.maxPropertiesBytes); // a server may want small frames
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      this.#settle(publication, error);
      return;
    }
    channel.send(publication);
  }

  #settled(publication: Publication, error: RuntimeError | undefined): void {
    if (error === undefined) this.#refusals.accepted(publication.message);
    else if (error.code === 'E_PUBLISH_NACKED' && this.#refusals.refused(publication.message)) this.#replace();
    this.#settle(publication, error);
  }

  #replace(): void {
    const channel = this.#channel;
    if (this.#replacing || channel === undefined || this.#state !== 'open') return;
    this.#replacing = true;
    this.#timer = setTimeout(() => this.#abandon(channel), this.#refusals.patienceMs);
  }

  /** The broker settles nothing more on this channel, and may not even answer its close. */
  #abandon(channel: PublisherChannel): void {
    for (const publication of channel.takeInFlight())
      this.#settle(publication, abandonedError(publication.message, 'the broker did not settle it in time'));
    void channel.close(); // never rejects; `#ended` opens the next one
  }

  #settle(publication: Publication, error: RuntimeError | undefined): void {
    publication.settle(error);
    this.#drains.settled(publication.order);
  }

  async #close(): Promise<void> {
    const channel = this.#channel;
    this.#move('closed');
    clearTimeout(this.#timer);
    this.#neverOpen?.(publisherClosedError());
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      this.#settle(next, publisherClosedError());
    if (channel !== undefined) await closeInTime(channel);
    for (const publication of channel?.takeInFlight() ?? [])
      this.#settle(publication, abandonedError(publication.message, 'the publisher was closed before the broker did'));
    this.#onClosed(this);
  }

  #move(to: PublisherState): void {
    if (!NEXT[this.#state].includes(to))
      throw new RuntimeError('E_STATE', `a publisher cannot go from ${this.#state} to ${to}`);
    this.#state = to;
  }
}

/** A blocked or dead broker never confirms the close. */
async function closeInTime(channel: PublisherChannel): Promise<void> {
  let deadline: NodeJS.Timeout | undefined;
  const tooLate = new Promise<void>((resolve) => {
    deadline = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  await Promise.race([channel.close(), tooLate]);
  clearTimeout(deadline);
}
