import { RuntimeError } from '../../errors/runtime-error.ts';
import type {
  Broker,
  BrokerHealth,
  BrokerListener,
  BrokerState,
  Consumer,
  ConsumerOptions,
  DeliverySink,
  Publisher,
  PublisherOptions,
} from '../broker.ts';
import type { Topology } from '../topology.ts';
import { MemoryConnection } from './memory-connection.ts';
import { MemoryConsumer } from './memory-consumer.ts';
import { MemoryPublisher } from './memory-publisher.ts';
import { createMemoryVirtualHost, type MemoryVirtualHost } from './memory-virtual-host.ts';

const NEXT = {
  created: ['connected', 'stopped'],
  connecting: [],
  connected: ['blocked', 'waiting', 'stopped'],
  blocked: ['connected', 'waiting', 'stopped'],
  waiting: ['connected', 'stopped'],
  stopped: [],
} as const satisfies Record<BrokerState, readonly BrokerState[]>;

const SERVER = 'memory';
const LARGEST_16_BIT = 65_535;

/**
 * A broker in this process, with RabbitMQ's semantics and no server: for demos, tests and small deployments that may
 * lose their queues with the process. Brokers that share a MemoryVirtualHost see the same queues.
 *
 *     created ──start──▶ connected ◀──▶ blocked        waiting = the connection was lost by a test
 *                            ▲ └──▶ waiting ◀──┘        stopped from anywhere, for good
 *                            └─────────┘
 *
 * Cost: about a microsecond a message for storing it, no object per delivery. Everything is in memory.
 * `breakConnection`, `loseConnection`, `restoreConnection`, `block`, `unblock` and `deleteQueue` stand for what a
 * network or an operator does; they must not be called from inside a sink.
 */
export class MemoryBroker implements Broker {
  readonly kind = 'memory';
  readonly virtualHost: MemoryVirtualHost;
  readonly #listener: BrokerListener;
  readonly #connection = new MemoryConnection();
  #state: BrokerState = 'created';
  #reason: string | undefined;
  #everConnected = false;
  #reconnects = 0;

  constructor(virtualHost: MemoryVirtualHost = createMemoryVirtualHost(), listener: BrokerListener = {}) {
    this.virtualHost = virtualHost;
    this.#listener = listener;
  }

  async start(): Promise<void> {
    if (this.#state === 'stopped') throw new RuntimeError('E_STATE', 'the memory broker was stopped: make another one');
    if (this.#state !== 'created') return;
    this.virtualHost.attach(this);
    this.#connect();
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#move('stopped', undefined);
    this.#connection.open = false;
    await Promise.all([...this.#connection.members].map((member) => member.close()));
    this.virtualHost.detach(this);
  }

  health(): BrokerHealth {
    return {
      state: this.#state,
      server: this.#everConnected ? SERVER : undefined,
      reason: this.#reason,
      reconnects: this.#reconnects,
    };
  }

  async declare(topology: Topology): Promise<void> {
    this.#requireStarted();
    this.virtualHost.declare(topology);
  }

  async exchangeExists(name: string): Promise<boolean> {
    this.#requireStarted();
    return this.virtualHost.hasExchange(name);
  }

  async consume(options: ConsumerOptions, sink: DeliverySink): Promise<Consumer> {
    this.#requireStarted();
    requireRange('prefetch', options.prefetch);
    this.virtualHost.queue(options.queue);
    const consumer = new MemoryConsumer(this.virtualHost, this.#connection, options, sink);
    consumer.begin();
    await consumer.opened;
    return consumer;
  }

  async publisher(options: PublisherOptions): Promise<Publisher> {
    this.#requireStarted();
    requireRange('window', options.window);
    return new MemoryPublisher(this.virtualHost, this.#connection, options.window);
  }

  async readyCount(queue: string): Promise<number> {
    this.#requireStarted();
    return this.virtualHost.queue(queue).length;
  }

  pause(): void {
    this.#connection.paused = true;
  }

  resume(): void {
    if (!this.#connection.paused) return;
    this.#connection.paused = false;
    this.#connection.proceed();
  }

  /** Loses the connection; it is back in the next macrotask. */
  breakConnection(): void {
    this.loseConnection();
    setImmediate(() => this.restoreConnection());
  }

  /** Loses the connection until `restoreConnection`: epochs end, unacked messages return to their queues. */
  loseConnection(): void {
    this.#requireStarted();
    const error = new RuntimeError(
      'E_BROKER_CONNECTION_CLOSED',
      'the connection to the memory broker was broken on purpose',
    );
    this.#move('waiting', error.message);
    this.#connection.blocked = false;
    this.#connection.lose(error);
    this.#listener.lost?.(error, 0);
  }

  restoreConnection(): void {
    if (this.#state !== 'waiting') return;
    this.#reconnects++;
    this.#connect();
  }

  /** Publishers wait until `unblock`, as when a RabbitMQ node runs out of memory or disk. */
  block(reason: string): void {
    this.#move('blocked', reason);
    this.#connection.blocked = true;
    this.#listener.blocked?.(reason);
  }

  unblock(): void {
    if (this.#state !== 'blocked') return;
    this.#move('connected', undefined);
    this.#connection.blocked = false;
    this.#listener.unblocked?.();
    this.#connection.proceed();
  }

  /** Deletes the queue with its messages, as an operator would; its consumers are cancelled by the broker. */
  deleteQueue(queue: string): void {
    this.virtualHost.deleteQueue(queue);
  }

  #connect(): void {
    this.#move('connected', undefined);
    this.#everConnected = true;
    this.#connection.open = true;
    this.#listener.connected?.(SERVER, 'this process');
    this.#connection.proceed();
  }

  #requireStarted(): void {
    if (this.#state !== 'created' && this.#state !== 'stopped') return;
    throw new RuntimeError('E_STATE', `the memory broker is ${this.#state}, expected it to be started`);
  }

  #move(next: BrokerState, reason: string | undefined): void {
    const allowed: readonly BrokerState[] = NEXT[this.#state];
    if (!allowed.includes(next))
      throw new RuntimeError('E_STATE', `a memory broker that is ${this.#state} cannot become ${next}`);
    this.#state = next;
    this.#reason = reason;
  }
}

function requireRange(option: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= LARGEST_16_BIT) return;
  throw new RuntimeError(
    'E_OPTION_RANGE',
    `${option} must be a whole number from 1 to ${LARGEST_16_BIT}, got ${value}`,
  );
}
