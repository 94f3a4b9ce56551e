import type { Channel, Connection, ReturnedMessage } from 'rabbitmq-client';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { OutgoingMessage } from '../broker.ts';
import { publishableHeaders } from './publishable-headers.ts';
import { type RabbitFailure, readFailure } from './rabbit-error.ts';

/** A message on its way. */
export interface Publication {
  message: OutgoingMessage;
  readonly body: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: RuntimeError) => void;
  /** The broker's words when it gave the message back. */
  returned: string | undefined;
}

export interface SessionEvents {
  /** undefined: confirmed. */
  settled(publication: Publication, error: RuntimeError | undefined): void;
  /** The channel is gone; what it had not confirmed settles by itself. */
  closed(session: PublishSession): void;
}

const NACKED = 'NACK';
/** The names that RabbitMQ gives to the default exchange in its errors. */
const DEFAULT_EXCHANGE_NAMES = ['', 'amq.default'];

/**
 * One channel in confirm mode, from its open to its close.
 *
 * Whether a message found a queue comes in two frames: basic.return first if it did not, then the confirm. But
 * rabbitmq-client hands the return over one setImmediate later and the confirm at once, that is, in the wrong order:
 *
 *     frames     return(A)            confirm(A)
 *     handed to us  └─ setImmediate ─▶ ·····│······▶ return(A)
 *                                           └▶ confirm(A) ── setImmediate ──▶ settle(A): was it returned?
 *
 * So every settlement waits one setImmediate too, which runs behind that of the return. The same turn serves channel
 * errors: only one of the messages on the channel is rejected with the broker's reason, all others without one.
 *
 * Returns come in the order of publishing; one belongs to the first message not yet returned that was published to the
 * same place with the same id. Where that is not one message, the candidates are the same to their receivers too.
 */
export class PublishSession {
  readonly #channel: Channel;
  readonly #events: SessionEvents;
  readonly #inFlight = new Set<Publication>();
  #closeReason: RabbitFailure | undefined;
  #ended = false;

  private constructor(channel: Channel, events: SessionEvents) {
    this.#channel = channel;
    this.#events = events;
    channel.on('basic.return', (message) => this.#takeReturn(message));
    channel.on('error', (error) => {
      this.#closeReason ??= readFailure(error);
    });
    channel.on('close', () => this.#end());
  }

  static async open(connection: Connection, events: SessionEvents): Promise<PublishSession> {
    const channel = await connection.acquire({ emitErrorsFromChannel: true });
    const session = new PublishSession(channel, events);
    await channel.confirmSelect();
    return session;
  }

  get active(): boolean {
    return this.#channel.active;
  }

  send(publication: Publication): void {
    this.#inFlight.add(publication);
    const { exchange, routingKey, properties } = publication.message;
    const headers = properties.headers === undefined ? {} : { headers: publishableHeaders(properties.headers) };
    // Without a timestamp in the envelope the client adds one.
    const envelope = {
      ...properties,
      ...headers,
      timestamp: properties.timestamp as number,
      exchange,
      routingKey,
      mandatory: true,
    };
    this.#channel.basicPublish(envelope, publication.body).then(
      () => setImmediate(this.#settle, publication, undefined),
      (error: unknown) => {
        const failure = readFailure(error);
        if (failure.code !== NACKED && failure.code !== 'CH_CLOSE') this.#closeReason ??= failure;
        setImmediate(this.#settle, publication, failure);
      },
    );
  }

  close(): Promise<void> {
    return this.#channel.close();
  }

  readonly #settle = (publication: Publication, failure: RabbitFailure | undefined): void => {
    this.#inFlight.delete(publication);
    if (publication.returned !== undefined)
      this.#events.settled(publication, unroutable(publication.message, publication.returned));
    else if (failure === undefined) this.#events.settled(publication, undefined);
    else if (failure.code === NACKED) this.#events.settled(publication, nacked(publication.message));
    else this.#events.settled(publication, closedError(publication.message, this.#closeReason ?? failure));
  };

  #takeReturn(returned: ReturnedMessage): void {
    for (const publication of this.#inFlight) {
      if (publication.returned !== undefined || !isSame(publication.message, returned)) continue;
      publication.returned = `${returned.replyCode} ${returned.replyText}`;
      return;
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.closed(this);
  }
}

function isSame({ exchange, routingKey, properties }: OutgoingMessage, returned: ReturnedMessage): boolean {
  return (
    isSameText(routingKey, returned.routingKey) &&
    isSameText(exchange, returned.exchange) &&
    isSameText(properties.messageId, returned.messageId) &&
    isSameText(properties.correlationId, returned.correlationId) &&
    isSameText(properties.type, returned.type)
  );
}

/** Half of a surrogate pair, as cutting text leaves it, comes back as U+FFFD. */
function isSameText(sent: string | undefined, returned: string | undefined): boolean {
  if (sent === returned) return true;
  return sent !== undefined && returned?.includes('\ufffd') === true && Buffer.from(sent).toString() === returned;
}

/** What a message gets that was not confirmed when its channel closed. */
function closedError(message: OutgoingMessage, reason: RabbitFailure): RuntimeError {
  const { code, said } = reason;
  const named = /exchange '([^']*)'/.exec(said)?.[1];
  const ours =
    named !== undefined &&
    (named === message.exchange || (message.exchange === '' && DEFAULT_EXCHANGE_NAMES.includes(named)));
  if (ours && code === 'NOT_FOUND') return unroutable(message, `404 ${said}`);
  if (ours && code === 'ACCESS_REFUSED') {
    const text = `publishing to exchange '${message.exchange}' is not allowed (403 ${said}): grant the user access`;
    return new RuntimeError('E_BROKER_ACCESS', text, { details: where(message) });
  }
  return new RuntimeError(
    'E_PUBLISH_UNCONFIRMED',
    `the channel closed before the broker confirmed the message (${said}): publish it again with the same message id`,
    { details: where(message) },
  );
}

function unroutable(message: OutgoingMessage, said: string): RuntimeError {
  return new RuntimeError(
    'E_PUBLISH_UNROUTABLE',
    `exchange '${message.exchange}' has no queue for routing key '${message.routingKey}' (${said}): declare the queue first`,
    { details: where(message) },
  );
}

function nacked(message: OutgoingMessage): RuntimeError {
  const text = `a queue for routing key '${message.routingKey}' refused the message: it is full, or its node is in trouble`;
  return new RuntimeError('E_PUBLISH_NACKED', text, { details: where(message) });
}

function where(message: OutgoingMessage): Readonly<Record<string, unknown>> {
  return { exchange: message.exchange, routingKey: message.routingKey, messageId: message.properties.messageId };
}
