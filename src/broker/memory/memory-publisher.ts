import { RuntimeError } from '../../errors/runtime-error.ts';
import { Deque } from '../../support/deque.ts';
import type { OutgoingMessage, Publisher, Settle } from '../broker.ts';
import type { ConnectionMember, MemoryConnection } from './memory-connection.ts';
import type { MemoryVirtualHost } from './memory-virtual-host.ts';

interface Publication {
  message: OutgoingMessage;
  readonly settle: Settle;
  /** What the broker will answer; undefined for a confirm. */
  refusal: RuntimeError | undefined;
}

/**
 * Publishes into a virtual host of this process. A message is in its queue at once, its confirm comes in the next
 * macrotask, so that a connection lost in between leaves it unconfirmed as over a network.
 *
 *     publish ──▶ waiting (no room, blocked, connection away) ──▶ in flight (at most `window`) ──▶ settled
 *
 * `close` settles what is left at once; whoever wants it confirmed awaits `drained` first.
 */
export class MemoryPublisher implements Publisher, ConnectionMember {
  readonly #host: MemoryVirtualHost;
  readonly #connection: MemoryConnection;
  readonly #window: number;
  readonly #waiting = new Deque<Publication>();
  #inFlight: Publication[] = [];
  #scheduled = false;
  #closed = false;
  /** Publications settle in the order of their acceptance, so two counters tell who is drained. */
  #accepted = 0;
  #settled = 0;
  #drains: { readonly until: number; readonly resolve: () => void }[] = [];

  constructor(host: MemoryVirtualHost, connection: MemoryConnection, window: number) {
    this.#host = host;
    this.#connection = connection;
    this.#window = window;
    connection.members.add(this);
  }

  publish(message: OutgoingMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      this.submit(message, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  submit(message: OutgoingMessage, settle: Settle): void {
    if (this.#closed) {
      settle(closedError());
      return;
    }
    this.#accepted++;
    const publication: Publication = { message, settle, refusal: undefined };
    if (this.#waiting.length === 0 && this.#hasRoom()) this.#send(publication);
    else this.#waiting.push(publication);
  }

  drained(): Promise<void> {
    if (this.#settled === this.#accepted) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push({ until: this.#accepted, resolve }));
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#connection.members.delete(this);
      this.#abandonInFlight(undefined);
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        next.settle(closedError());
        this.#settled++;
      }
      this.#tellDrained();
    }
    return Promise.resolve();
  }

  connectionLost(error: RuntimeError): void {
    this.#abandonInFlight(error);
    this.#tellDrained();
  }

  proceed(): void {
    while (this.#waiting.length > 0 && this.#hasRoom()) {
      const next = this.#waiting.shift();
      if (next !== undefined) this.#send(next);
    }
  }

  #hasRoom(): boolean {
    return this.#connection.open && !this.#connection.blocked && this.#inFlight.length < this.#window;
  }

  #send(publication: Publication): void {
    const { message } = publication;
    if (message.readdress !== undefined) publication.message = { ...message, ...message.readdress() };
    publication.refusal = this.#deliver(publication.message);
    this.#inFlight.push(publication);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#confirm);
  }

  readonly #confirm = (): void => {
    this.#scheduled = false;
    const confirmed = this.#inFlight;
    this.#inFlight = [];
    for (const { settle, refusal } of confirmed) settle(refusal);
    this.#settled += confirmed.length;
    this.proceed();
    this.#tellDrained();
  };

  #deliver(message: OutgoingMessage): RuntimeError | undefined {
    const details = { exchange: message.exchange, routingKey: message.routingKey };
    try {
      const result = this.#host.publish(message);
      if (result === 'stored') return undefined;
      if (result === 'refused') {
        return new RuntimeError(
          'E_PUBLISH_NACKED',
          `a queue for '${message.routingKey}' is full and refused the message`,
          { details },
        );
      }
      const why =
        result === 'unroutable'
          ? `no queue is bound for routing key '${message.routingKey}'`
          : 'the exchange does not exist';
      const error = `exchange '${message.exchange}' could not route the message: ${why}; declare the queue first`;
      return new RuntimeError('E_PUBLISH_UNROUTABLE', error, { details });
    } catch (error) {
      if (error instanceof RuntimeError) return error;
      throw error;
    }
  }

  #abandonInFlight(cause: RuntimeError | undefined): void {
    const unconfirmed = this.#inFlight;
    this.#inFlight = [];
    for (const { message, settle, refusal } of unconfirmed) settle(refusal ?? unconfirmedError(message, cause));
    this.#settled += unconfirmed.length;
  }

  #tellDrained(): void {
    if (this.#drains.length === 0) return;
    const waiting = this.#drains;
    this.#drains = waiting.filter((drain) => drain.until > this.#settled);
    for (const drain of waiting) if (drain.until <= this.#settled) drain.resolve();
  }
}

function closedError(): RuntimeError {
  return new RuntimeError('E_CLIENT_CLOSED', 'the publisher is closed: nothing more can be published with it');
}

function unconfirmedError(message: OutgoingMessage, cause: RuntimeError | undefined): RuntimeError {
  const { messageId } = message.properties;
  return new RuntimeError(
    'E_PUBLISH_UNCONFIRMED',
    'the connection ended before the broker confirmed the message: publish it again with the same message id',
    { details: { exchange: message.exchange, routingKey: message.routingKey, messageId }, cause },
  );
}
