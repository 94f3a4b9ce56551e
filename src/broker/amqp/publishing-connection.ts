import { RuntimeError } from '../../errors/runtime-error.ts';
import type { Publisher, PublisherOptions } from '../broker.ts';
import type { AmqpBrokerOptions } from './amqp-options.ts';
import { AmqpPublisher } from './amqp-publisher.ts';
import { ReconnectingConnection } from './reconnecting-connection.ts';

/** What the owner hears of it; all optional. */
export interface PublishingEvents {
  /** The broker reads no more of what is published. */
  blocked?(reason: string): void;
  unblocked?(): void;
}

const LARGEST_WINDOW = 65_535;

/** A connection that is kept up, and the publishers on it. */
export class PublishingConnection {
  readonly #options: AmqpBrokerOptions;
  readonly #link: ReconnectingConnection;
  readonly #publishers = new Set<AmqpPublisher>();

  private constructor(options: AmqpBrokerOptions, events: PublishingEvents) {
    this.#options = options;
    const named = { ...options, connectionName: `${options.connectionName} publisher` };
    const listener = {
      blocked: (reason: string) => events.blocked?.(reason),
      unblocked: () => events.unblocked?.(),
      lost: () => events.unblocked?.(), // a block ends with its connection; the next one is told anew
    };
    this.#link = new ReconnectingConnection(named, listener, {
      connected: (connection) => {
        for (const publisher of this.#publishers) publisher.connected(connection);
      },
      disconnected: () => {
        for (const publisher of this.#publishers) publisher.disconnected();
      },
    });
  }

  /** Rejects with E_BROKER_URL, E_BROKER_UNREACHABLE, E_BROKER_AUTH, E_BROKER_VHOST or E_BROKER_PROTOCOL. */
  static async open(options: AmqpBrokerOptions, events: PublishingEvents = {}): Promise<PublishingConnection> {
    const opened = new PublishingConnection(options, events);
    await opened.#link.start();
    return opened;
  }

  /** As Broker.publisher; resolves when its channel is open. */
  async publisher({ window }: PublisherOptions): Promise<Publisher> {
    if (!Number.isInteger(window) || window < 1 || window > LARGEST_WINDOW) {
      throw new RuntimeError(
        'E_OPTION_RANGE',
        `window must be a whole number from 1 to ${LARGEST_WINDOW}, got ${window}`,
      );
    }
    const { maxMessageBytes, reconnect, connectTimeoutMs: openTimeoutMs } = this.#options;
    const limits = { window, maxMessageBytes, reconnect, openTimeoutMs };
    const publisher = new AmqpPublisher(limits, () => this.#publishers.delete(publisher));
    this.#publishers.add(publisher);
    const connection = this.#link.current;
    if (connection !== undefined) publisher.connected(connection);
    try {
      await publisher.opened;
    } catch (error) {
      await publisher.close();
      throw error;
    }
    return publisher;
  }

  /** Closes the publishers too. Takes at most about four seconds, where the broker does not answer. */
  async close(): Promise<void> {
    await Promise.all([...this.#publishers].map((publisher) => publisher.close()));
    await this.#link.stop();
  }
}
