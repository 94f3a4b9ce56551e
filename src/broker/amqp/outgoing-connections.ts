import type { Publisher, PublisherOptions } from '../broker.ts';
import type { Topology } from '../topology.ts';
import { type AdminConnection, openAdminConnection } from './admin-connection.ts';
import type { AmqpBrokerOptions } from './amqp-options.ts';
import { PublishingConnection, type PublishingEvents } from './publishing-connection.ts';

/**
 * What goes out beside acknowledgements, over connections that are opened when they are first needed:
 *
 *     messages               our own AMQP code     publishing-connection.ts
 *     topology, inspection   rabbitmq-client       admin-connection.ts
 *
 * A connection that cannot be opened is reported to whoever needed it, and tried again by the next call.
 */
export class OutgoingConnections {
  readonly #admin: Opened<AdminConnection>;
  readonly #publishing: Opened<PublishingConnection>;

  constructor(options: AmqpBrokerOptions, events: PublishingEvents = {}) {
    this.#admin = new Opened(() => openAdminConnection(options));
    this.#publishing = new Opened(() => PublishingConnection.open(options, events));
  }

  /** As Broker.declare. */
  async declare(topology: Topology): Promise<void> {
    await (await this.#admin.get()).declare(topology);
  }

  /** As Broker.exchangeExists. */
  async exchangeExists(name: string): Promise<boolean> {
    return (await this.#admin.get()).exchangeExists(name);
  }

  /** As Broker.readyCount. */
  async readyCount(queue: string): Promise<number> {
    return (await this.#admin.get()).readyCount(queue);
  }

  /** As Broker.publisher. */
  async publisher(options: PublisherOptions): Promise<Publisher> {
    return (await this.#publishing.get()).publisher(options);
  }

  /** Closes the publishers too. Takes some seconds where the broker does not answer. */
  async close(): Promise<void> {
    await Promise.all([this.#publishing.close(), this.#admin.close()]);
  }
}

/** Something that is opened at most once at a time, by whoever needs it first. */
class Opened<T extends { close(): Promise<void> }> {
  readonly #open: () => Promise<T>;
  #opening: Promise<T> | undefined;

  constructor(open: () => Promise<T>) {
    this.#open = open;
  }

  async get(): Promise<T> {
    this.#opening ??= this.#open();
    const opening = this.#opening;
    try {
      return await opening;
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined; // the next call tries again
      throw error;
    }
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    // One that could not be opened was reported where it was asked for, and has nothing to close.
    const opened = await opening?.catch(() => undefined);
    await opened?.close();
  }
}
