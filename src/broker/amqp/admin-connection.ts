import { RuntimeError } from '../../errors/runtime-error.ts';
import type { Publisher, PublisherOptions } from '../broker.ts';
import type { Topology } from '../topology.ts';
import type { AmqpBrokerOptions } from './amqp-options.ts';
import { AmqpPublisher } from './amqp-publisher.ts';
import { countReady, declareTopology, exchangeExists } from './amqp-topology.ts';
import { type LinkEvents, RabbitLink } from './rabbit-link.ts';

/** What is rare or goes out: topology, inspection and publishing, on a connection of their own. */
export interface AdminConnection {
  /** As Broker.declare. */
  declare(topology: Topology): Promise<void>;
  /** As Broker.exchangeExists. */
  exchangeExists(name: string): Promise<boolean>;
  /** As Broker.readyCount. */
  readyCount(queue: string): Promise<number>;
  /** As Broker.publisher; resolves when its channel is open. */
  publisher(options: PublisherOptions): Promise<Publisher>;
  /** Closes the publishers too. Takes at most about two seconds. Idempotent. */
  close(): Promise<void>;
}

const LARGEST_WINDOW = 65_535;

/**
 * Connects to the first host that answers and keeps the connection up. Rejects with E_BROKER_URL,
 * E_BROKER_UNREACHABLE, E_BROKER_AUTH, E_BROKER_VHOST or E_BROKER_PROTOCOL.
 */
export async function openAdminConnection(
  options: AmqpBrokerOptions,
  events: LinkEvents = {},
): Promise<AdminConnection> {
  const link = new RabbitLink(options, events);
  await link.open();
  const publishers = new Set<AmqpPublisher>();
  return {
    declare: (topology) => link.run((connection) => declareTopology(connection, topology)),
    exchangeExists: (name) => link.run((connection) => exchangeExists(connection, name)),
    readyCount: (queue) => link.run((connection) => countReady(connection, queue)),
    publisher: async ({ window }) => {
      if (!Number.isInteger(window) || window < 1 || window > LARGEST_WINDOW) {
        throw new RuntimeError(
          'E_OPTION_RANGE',
          `window must be a whole number from 1 to ${LARGEST_WINDOW}, got ${window}`,
        );
      }
      const limits = { window, maxMessageBytes: options.maxMessageBytes, reconnect: options.reconnect };
      const publisher = new AmqpPublisher(link, limits, () => publishers.delete(publisher));
      publishers.add(publisher);
      try {
        await publisher.opened;
      } catch (error) {
        await publisher.close();
        throw error;
      }
      return publisher;
    },
    close: async () => {
      await Promise.all([...publishers].map((publisher) => publisher.close()));
      await link.close();
    },
  };
}
