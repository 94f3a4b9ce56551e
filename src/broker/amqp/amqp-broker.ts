import { RuntimeError } from '../../errors/runtime-error.ts';
import type {
  Broker,
  BrokerHealth,
  BrokerListener,
  Consumer,
  ConsumerOptions,
  DeliverySink,
  Publisher,
  PublisherOptions,
} from '../broker.ts';
import type { Topology } from '../topology.ts';
import { AmqpConsumer } from './amqp-consumer.ts';
import type { AmqpBrokerOptions } from './amqp-options.ts';
import { SHORT_STRING_BYTES } from './frame-writer.ts';
import { OutgoingConnections } from './outgoing-connections.ts';
import { Backoff } from './reconnect.ts';
import { ReconnectingConnection } from './reconnecting-connection.ts';

const PREFETCH_MAX = 65_535;

/**
 * RabbitMQ behind the broker port, over three connections with separate work:
 *
 *     deliveries, acks       our own AMQP code                 reconnecting-connection.ts → amqp-consumer.ts
 *     messages               our own, when first needed        publishing-connection.ts → amqp-publisher.ts
 *     topology, inspection   rabbitmq-client, when first       admin-connection.ts → amqp-topology.ts
 *                            needed
 *
 * Separate because a broker that runs out of memory stops reading from connections that publish: acks on the same one
 * would be stuck behind them. States: reconnecting-connection.ts; a stopped broker stays stopped.
 */
export class AmqpBroker implements Broker {
  readonly kind = 'amqp';
  readonly #options: AmqpBrokerOptions;
  readonly #listener: BrokerListener;
  readonly #link: ReconnectingConnection;
  readonly #outgoing: OutgoingConnections;
  readonly #consumers = new Set<AmqpConsumer>();
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: AmqpBrokerOptions, listener: BrokerListener = {}) {
    this.#options = options;
    this.#listener = listener;
    this.#link = new ReconnectingConnection(options, listener, {
      connected: (connection) => {
        for (const consumer of this.#consumers) consumer.connected(connection);
      },
      disconnected: () => {
        for (const consumer of this.#consumers) consumer.disconnected();
      },
    });
    this.#outgoing = new OutgoingConnections(options, {
      blocked: (reason) => this.#link.blocked(reason),
      unblocked: () => this.#link.unblocked(),
    });
  }

  /** Rejects with E_BROKER_URL, E_BROKER_UNREACHABLE, E_BROKER_AUTH, E_BROKER_VHOST or E_BROKER_PROTOCOL. */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  health(): BrokerHealth {
    return this.#link.health();
  }

  async declare(topology: Topology): Promise<void> {
    this.#requireStarted('declare');
    await this.#outgoing.declare(topology);
  }

  async exchangeExists(name: string): Promise<boolean> {
    this.#requireStarted('look up exchanges');
    return this.#outgoing.exchangeExists(name);
  }

  async readyCount(queue: string): Promise<number> {
    this.#requireStarted('look up queues');
    return this.#outgoing.readyCount(queue);
  }

  async publisher(options: PublisherOptions): Promise<Publisher> {
    this.#requireStarted('publish');
    return this.#outgoing.publisher(options);
  }

  async consume(options: ConsumerOptions, sink: DeliverySink): Promise<Consumer> {
    this.#requireStarted('consume');
    checkQueue(options.queue);
    checkPrefetch(options.prefetch);
    const consumer = new AmqpConsumer(options, {
      sink,
      backoff: new Backoff(this.#options.reconnect),
      listener: this.#listener,
      closed: (closed) => this.#consumers.delete(closed),
    });
    this.#consumers.add(consumer);
    const opened = consumer.start();
    const connection = this.#link.current;
    if (connection !== undefined) consumer.connected(connection);
    await opened;
    return consumer;
  }

  pause(): void {
    this.#link.setPaused(true);
  }

  resume(): void {
    this.#link.setPaused(false);
  }

  async #start(): Promise<void> {
    try {
      await this.#link.start();
    } catch (error) {
      this.#started = undefined;
      throw error;
    }
  }

  async #stop(): Promise<void> {
    const starting = this.#started;
    // Not awaited one by one: a broker that answers no more would hold each of them up; closing the connection ends all.
    const closing = [...this.#consumers].map((consumer) => consumer.close());
    await this.#link.stop();
    await Promise.all(closing);
    await this.#outgoing.close();
    await starting?.catch(() => undefined); // told to whoever called start
  }

  #requireStarted(what: string): void {
    const { state } = this.#link;
    if (state === 'created' || state === 'stopped') {
      throw new RuntimeError('E_STATE', `a broker that is ${state} cannot ${what}: start it first`);
    }
  }
}

function checkQueue(queue: string): void {
  const bytes = Buffer.byteLength(queue);
  if (bytes > 0 && bytes <= SHORT_STRING_BYTES) return;
  throw new RuntimeError('E_OPTION_RANGE', `got a queue name of ${bytes} bytes, expected 1 to ${SHORT_STRING_BYTES}`);
}

function checkPrefetch(prefetch: number): void {
  if (Number.isInteger(prefetch) && prefetch >= 1 && prefetch <= PREFETCH_MAX) return;
  throw new RuntimeError('E_OPTION_RANGE', `got prefetch ${prefetch}, expected 1 to ${PREFETCH_MAX}`);
}
