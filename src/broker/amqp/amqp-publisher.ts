import type { Connection } from 'rabbitmq-client';
import { shortStringBytes } from '../../batch/field-table.ts';
import { propertiesBytes } from '../../batch/message-properties.ts';
import { RuntimeError } from '../../errors/runtime-error.ts';
import { Deque } from '../../support/deque.ts';
import type { OutgoingMessage, Publisher } from '../broker.ts';
import type { ReconnectOptions } from './amqp-options.ts';
import { FRAME_MAX } from './handshake.ts';
import { type Publication, PublishSession } from './publish-session.ts';
import { isConnectionLoss, readFailure } from './rabbit-error.ts';
import type { LinkUser, RabbitLink } from './rabbit-link.ts';
import { Backoff } from './reconnect.ts';

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
}

/** Frame head, class, weight, body size and frame end around the properties. */
const HEADER_FRAME_BYTES = 22;
/** Of the longest wait between reconnects: how long a destination may refuse everything before its channel is replaced. */
const REFUSING_SHARE = 0.5;
/** Time a broker has to confirm the close of the channel. */
const CLOSE_TIMEOUT_MS = 2000;

/**
 * Publishes with pipelined confirms through rabbitmq-client, on a channel of its own.
 *
 *     publish ──▶ waiting (no room, no channel) ──▶ in flight (at most `window`) ──▶ settled
 *
 *     away ──connection is there──▶ opening ──▶ open ──channel or connection lost──▶ away       closed from anywhere
 *
 * What is in flight when its channel goes is settled as E_PUBLISH_UNCONFIRMED; what waits, waits for the next channel.
 * While the broker blocks the connection nothing is confirmed, so at most `window` messages are buffered for it.
 * `close` settles what is left at once; whoever wants it confirmed awaits `drained` first.
 *
 * A destination that refuses everything for a while gets a new channel, once what is in flight is settled or has had as
 * long again: a channel whose first message for a quorum queue met no leader (a node just died) is refused by RabbitMQ
 * 3.10 until that node is back, each message after seconds where the node stands still, though another one leads by
 * then, while a new channel is served at once. A full queue goes on to refuse.
 * Cost: about 20 µs of CPU a message, nearly all of it in the client library.
 */
export class AmqpPublisher implements Publisher, LinkUser {
  /** Resolves when the first channel is open, rejects when it is closed before. */
  readonly opened: Promise<void>;
  readonly #link: RabbitLink;
  readonly #limits: PublisherLimits;
  readonly #onClosed: () => void;
  readonly #backoff: Backoff;
  readonly #waiting = new Deque<Publication>();
  readonly #inFlight = new Set<Publication>();
  readonly #drains = new Set<{ readonly left: Set<Publication>; readonly resolve: () => void }>();
  /** Since when, in ms, each destination has refused everything. */
  readonly #refusals = new Map<string, number>();
  #replacing = false;
  #state: PublisherState = 'away';
  #session: PublishSession | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #firstOpen: (() => void) | undefined;
  #neverOpen: ((error: RuntimeError) => void) | undefined;

  constructor(link: RabbitLink, limits: PublisherLimits, onClosed: () => void) {
    this.#link = link;
    this.#limits = limits;
    this.#onClosed = onClosed;
    this.#backoff = new Backoff(limits.reconnect);
    this.opened = new Promise((resolve, reject) => {
      this.#firstOpen = resolve;
      this.#neverOpen = reject;
    });
    link.join(this);
  }

  publish(message: OutgoingMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'closed') throw closedError();
      this.#check(message);
      const { body } = message;
      const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      this.#waiting.push({ message, body: bytes, resolve, reject, returned: undefined });
      this.#pump();
    });
  }

  drained(): Promise<void> {
    const left = new Set(this.#inFlight);
    for (let index = 0; index < this.#waiting.length; index++) left.add(this.#waiting.at(index) as Publication);
    if (left.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drains.add({ left, resolve }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  connected(connection: Connection): void {
    if (this.#state === 'away') void this.#open(connection);
  }

  async #open(connection: Connection): Promise<void> {
    clearTimeout(this.#timer);
    this.#move('opening');
    try {
      const session = await PublishSession.open(connection, {
        settled: (publication, error) => this.#settled(publication, error),
        closed: (closed) => this.#lost(closed),
      });
      this.#adopt(session);
    } catch (error) {
      this.#openFailed(connection, error);
    }
  }

  #adopt(session: PublishSession): void {
    if (this.#state !== 'opening') {
      void session.close(); // closed meanwhile; a channel's close never rejects
      return;
    }
    if (!session.active) throw new RuntimeError('E_BROKER_CHANNEL_CLOSED', 'the channel closed while it was opened');
    this.#move('open');
    this.#session = session;
    this.#replacing = false;
    this.#refusals.clear();
    this.#backoff.up();
    this.#firstOpen?.();
    this.#pump();
  }

  /** With the connection gone the link calls again; a channel refused on a good connection is asked for later. */
  #openFailed(connection: Connection, error: unknown): void {
    if (this.#state !== 'opening') return; // closed meanwhile: whoever waited for it has been told
    this.#move('away');
    const next = this.#link.connection;
    if (next === undefined) return;
    if (next !== connection) {
      this.connected(next);
      return;
    }
    this.#retryLater();
    if (isConnectionLoss(error)) return;
    const { said } = readFailure(error);
    // Whoever waits for the first channel hears of it; once open, publishing waits for the next one.
    this.#neverOpen?.(
      new RuntimeError('E_BROKER_CHANNEL_CLOSED', `the broker refused a channel for publishing: ${said}`, {
        cause: error,
      }),
    );
  }

  #lost(session: PublishSession): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    clearTimeout(this.#timer);
    if (this.#state !== 'open') return;
    this.#move('away');
    if (this.#link.connection !== undefined) this.#retryLater();
  }

  #retryLater(): void {
    this.#timer = setTimeout(() => {
      const { connection } = this.#link;
      if (connection !== undefined) this.connected(connection);
    }, this.#backoff.next());
  }

  #pump(): void {
    if (this.#replacing) {
      if (this.#inFlight.size === 0) void this.#session?.close(); // never rejects; `#lost` opens the next one
      return;
    }
    while (this.#session?.active === true && this.#inFlight.size < this.#limits.window) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#inFlight.add(next);
      if (next.message.readdress !== undefined) next.message = { ...next.message, ...next.message.readdress() };
      this.#session.send(next);
    }
  }

  #settled(publication: Publication, error: RuntimeError | undefined): void {
    if (!this.#inFlight.delete(publication)) return; // settled by close
    if (error === undefined) this.#accepted(publication.message);
    else if (error.code === 'E_PUBLISH_NACKED') this.#refused(publication.message);
    this.#settle(publication, error);
    this.#pump();
  }

  #accepted(message: OutgoingMessage): void {
    if (this.#refusals.size > 0) this.#refusals.delete(destination(message));
  }

  #refused(message: OutgoingMessage): void {
    const to = destination(message);
    const now = performance.now();
    const since = this.#refusals.get(to);
    const patienceMs = REFUSING_SHARE * this.#limits.reconnect.maxMs;
    if (since === undefined) this.#refusals.set(to, now);
    else if (now - since > patienceMs && !this.#replacing && this.#session !== undefined) {
      this.#replacing = true;
      this.#timer = setTimeout(() => this.#abandon(), patienceMs);
    }
  }

  /** The broker settles nothing more on this channel, and may not even answer its close. */
  #abandon(): void {
    const session = this.#session as PublishSession;
    void session.close(); // never rejects
    for (const publication of [...this.#inFlight]) {
      this.#inFlight.delete(publication);
      this.#settle(publication, abandonedError(publication.message, 'the broker did not settle it in time'));
    }
    this.#lost(session);
  }

  #settle(publication: Publication, error: RuntimeError | undefined): void {
    if (error === undefined) publication.resolve();
    else publication.reject(error);
    for (const drain of this.#drains) {
      drain.left.delete(publication);
      if (drain.left.size > 0) continue;
      this.#drains.delete(drain);
      drain.resolve();
    }
  }

  async #close(): Promise<void> {
    const session = this.#session;
    this.#move('closed');
    clearTimeout(this.#timer);
    this.#link.leave(this);
    this.#neverOpen?.(closedError());
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      this.#settle(next, closedError());
    if (session !== undefined) await closeInTime(session);
    for (const publication of [...this.#inFlight]) {
      this.#inFlight.delete(publication);
      this.#settle(publication, abandonedError(publication.message, 'the publisher was closed before the broker did'));
    }
    this.#onClosed();
  }

  /** Refuses what would break the channel for its neighbours, or be cut short by the client. */
  #check({ exchange, routingKey, properties, body }: OutgoingMessage): void {
    shortStringBytes(exchange, 'exchange name');
    shortStringBytes(routingKey, 'routing key');
    const bytes = propertiesBytes(properties);
    if (bytes + HEADER_FRAME_BYTES > FRAME_MAX) {
      throw new RuntimeError(
        'E_MESSAGE_MALFORMED',
        `the message properties take ${bytes} bytes, at most ${FRAME_MAX - HEADER_FRAME_BYTES} fit`,
      );
    }
    if (body.byteLength <= this.#limits.maxMessageBytes) return;
    const message = `got a body of ${body.byteLength} bytes, maxMessageBytes allows ${this.#limits.maxMessageBytes}`;
    throw new RuntimeError('E_MESSAGE_TOO_LARGE', message, { details: { bodyBytes: body.byteLength } });
  }

  #move(to: PublisherState): void {
    if (!NEXT[this.#state].includes(to))
      throw new RuntimeError('E_STATE', `a publisher cannot go from ${this.#state} to ${to}`);
    this.#state = to;
  }
}

function destination({ exchange, routingKey }: OutgoingMessage): string {
  return `${exchange} ${routingKey}`;
}

/** A blocked or dead broker never confirms the close. */
async function closeInTime(session: PublishSession): Promise<void> {
  let deadline: NodeJS.Timeout | undefined;
  const tooLate = new Promise<void>((resolve) => {
    deadline = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  await Promise.race([session.close(), tooLate]);
  clearTimeout(deadline);
  // Confirms that came before the close-ok are settled one turn later, see PublishSession.
  await new Promise(setImmediate);
}

function closedError(): RuntimeError {
  return new RuntimeError('E_CLIENT_CLOSED', 'the publisher is closed: nothing more can be published with it');
}

function abandonedError({ exchange, routingKey, properties }: OutgoingMessage, why: string): RuntimeError {
  const message = `nobody confirmed the message (${why}): publish it again with the same message id`;
  return new RuntimeError('E_PUBLISH_UNCONFIRMED', message, {
    details: { exchange, routingKey, messageId: properties.messageId },
  });
}
