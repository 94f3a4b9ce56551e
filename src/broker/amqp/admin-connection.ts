import type { Topology } from '../topology.ts';
import type { AmqpBrokerOptions } from './amqp-options.ts';
import { countReady, declareTopology, exchangeExists } from './amqp-topology.ts';
import { RabbitLink } from './rabbit-link.ts';

/** What is rare: topology and inspection, on a connection of their own. */
export interface AdminConnection {
  /** As Broker.declare. */
  declare(topology: Topology): Promise<void>;
  /** As Broker.exchangeExists. */
  exchangeExists(name: string): Promise<boolean>;
  /** As Broker.readyCount. */
  readyCount(queue: string): Promise<number>;
  /** Takes at most about two seconds. Idempotent. */
  close(): Promise<void>;
}

/**
 * Connects to the first host that answers and keeps the connection up. Rejects with E_BROKER_URL,
 * E_BROKER_UNREACHABLE, E_BROKER_AUTH, E_BROKER_VHOST or E_BROKER_PROTOCOL.
 */
export async function openAdminConnection(options: AmqpBrokerOptions): Promise<AdminConnection> {
  const link = new RabbitLink(options);
  await link.open();
  return {
    declare: (topology) => link.run((connection) => declareTopology(connection, topology)),
    exchangeExists: (name) => link.run((connection) => exchangeExists(connection, name)),
    readyCount: (queue) => link.run((connection) => countReady(connection, queue)),
    close: () => link.close(),
  };
}
