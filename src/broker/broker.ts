/**
 * What delivery, client and runtime know of a message broker. Adapters: amqp/ (RabbitMQ), memory/ (this process).
 * test/contract/exercise-broker.ts says what each of them must do.
 */
import type { MessageProperties } from '../batch/message-properties.ts';
import type { RawDelivery } from '../batch/raw-delivery.ts';
import type { RuntimeError } from '../errors/runtime-error.ts';
import type { Service } from '../support/service.ts';
import type { Topology } from './topology.ts';

export type { RawDelivery };

/** Where a consumer puts what arrives. All calls are synchronous; none may throw. */
export interface DeliverySink {
  /** A new epoch (one consumer's life on one channel) began: tags count from 1 again. Called before its first delivery. */
  epochOpened(epoch: number): void;
  deliver(delivery: RawDelivery): void;
  /** All deliveries of one socket read have been handed over: the moment to decide on batches. */
  readEnded(): void;
  /**
   * The epoch is over: the broker will deliver again whatever was unacked. Acks of this epoch are no-ops from now on.
   * The consumer opens the next epoch by itself unless it was cancelled or closed by us.
   */
  epochClosed(epoch: number, reason: RuntimeError | undefined): void;
}

export interface ConsumerOptions {
  readonly queue: string;
  /** Unacked messages the broker may push, 1 to 65535. */
  readonly prefetch: number;
}

/**
 * One queue's consumer on a channel of its own. It reconnects and re-consumes by itself until cancelled or closed.
 * Acks and nacks are buffered in call order and written by `flush`; those of a dead epoch are dropped and counted.
 */
export interface Consumer {
  readonly queue: string;
  /** Epoch now open, 0 while there is none. */
  readonly epoch: number;
  /** Acks and nacks dropped because their epoch was dead. */
  readonly staleAcks: number;
  ack(epoch: number, tag: number, multiple: boolean): void;
  nack(epoch: number, tag: number, requeue: boolean): void;
  flush(): void;
  /** Ends deliveries; resolves when the broker has confirmed. Acks and nacks stay possible. No new epoch is opened. */
  cancel(): Promise<void>;
  /**
   * Cancels if need be, writes what is buffered and closes the channel: what is unacked returns to the queue. Resolves when
   * the broker has taken all acks, or the connection is lost; costs a round trip more where there were any.
   */
  close(): Promise<void>;
  /**
   * A larger prefetch from now on, in the same epoch: nothing is given back. A smaller one is for the next epoch. Resolves
   * when the broker has confirmed, or when the epoch is over or cancelled. A queue with a single active consumer keeps to
   * the first prefetch of the epoch.
   */
  adjust(prefetch: number): Promise<void>;
  /** Consumes again with another prefetch, in a new epoch. The old epoch is drained by the broker as at any close. */
  resize(prefetch: number): Promise<void>;
}

export interface OutgoingMessage {
  /** '' is the default exchange: the routing key is then a queue's name. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: MessageProperties;
  /** Must stay unchanged until the promise settles. */
  readonly body: Uint8Array;
  /**
   * Where it goes instead, asked when there is room and a connection for it: for a message that is due at a certain time,
   * and has by then a shorter delay. Must not throw.
   */
  readonly readdress?: () => Address;
}

export type Address = Pick<OutgoingMessage, 'exchange' | 'routingKey'>;

/** Told once what became of a message; undefined: confirmed. Must not throw. */
export type Settle = (error: RuntimeError | undefined) => void;

/** Publishes with confirms. Persistence is in the properties (`deliveryMode: 2`), always `mandatory`. */
export interface Publisher {
  /**
   * Resolves when the broker has confirmed that it has the message, in at least one queue.
   * Rejects with E_PUBLISH_UNROUTABLE, E_PUBLISH_NACKED, E_PUBLISH_UNCONFIRMED (it may or may not be there: publish
   * again with the same message id) or E_CLIENT_CLOSED. While the broker is blocked or away it waits for `window` room.
   */
  publish(message: OutgoingMessage): Promise<void>;
  /**
   * The same without a promise, for who sends many: `settle` is called, perhaps before `submit` returns, with the error
   * that `publish` would reject with.
   */
  submit(message: OutgoingMessage, settle: Settle): void;
  /** Resolves when everything published so far is settled. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

export interface PublisherOptions {
  /** Unconfirmed messages at once, 1 to 65535. More than about 2,000 only adds latency. */
  readonly window: number;
}

export type BrokerState = 'created' | 'connecting' | 'connected' | 'blocked' | 'waiting' | 'stopped';

export interface BrokerHealth {
  readonly state: BrokerState;
  /** Server product and version as it names itself, e.g. `RabbitMQ 3.10.8`; undefined before the first connection. */
  readonly server: string | undefined;
  /** Why it is waiting or blocked. */
  readonly reason: string | undefined;
  readonly reconnects: number;
}

/** Told of what happens to the connection; used for logs and status. Must not throw. */
export interface BrokerListener {
  connected?(server: string, host: string): void;
  lost?(error: RuntimeError, retryInMs: number): void;
  blocked?(reason: string): void;
  unblocked?(): void;
  /** A consumer lost its channel, or could not get one, while the connection is fine; e.g. its queue was deleted. */
  consumerWaiting?(queue: string, error: RuntimeError, retryInMs: number): void;
}

/** `start` rejects with a coded error when the first connection fails; later losses are recovered from by itself. */
export interface Broker extends Service {
  readonly kind: string;
  health(): BrokerHealth;
  /**
   * Declares what is missing of the topology and leaves what exists as it is.
   * Rejects with E_BROKER_TOPOLOGY where something exists that cannot serve (e.g. an exchange of another type).
   */
  declare(topology: Topology): Promise<void>;
  /** Resolves to whether there is such an exchange. */
  exchangeExists(name: string): Promise<boolean>;
  /** Resolves when the first epoch is open; rejects with E_BROKER_QUEUE_MISSING, E_BROKER_ACCESS, … if it cannot be. */
  consume(options: ConsumerOptions, sink: DeliverySink): Promise<Consumer>;
  publisher(options: PublisherOptions): Promise<Publisher>;
  /** Messages ready (not unacked) in a queue. Rejects with E_BROKER_QUEUE_MISSING. */
  readyCount(queue: string): Promise<number>;
  /** Stops reading deliveries (bytes stay with the broker and the kernel). Acks still go out. Idempotent. */
  pause(): void;
  resume(): void;
}
