import { RuntimeError } from '../../errors/runtime-error.ts';
import type { BrokerListener, Consumer, ConsumerOptions, DeliverySink } from '../broker.ts';
import type { AmqpConnection } from './amqp-connection.ts';
import { ConsumerChannel } from './consumer-channel.ts';
import type { Backoff } from './reconnect.ts';

/**
 * `waiting` for the connection or for the next attempt → `opening` a channel comes up → `consuming` an epoch is open.
 * `cancelled` no new epoch, acks are possible while the last one lives. `closed` nothing is left.
 */
type ConsumerState = 'waiting' | 'opening' | 'consuming' | 'cancelled' | 'closed';

const NEXT: Readonly<Record<ConsumerState, readonly ConsumerState[]>> = {
  waiting: ['opening', 'cancelled', 'closed'],
  opening: ['consuming', 'waiting', 'cancelled', 'closed'],
  consuming: ['waiting', 'cancelled', 'closed'],
  cancelled: ['closed'],
  closed: [],
};

/** Waits for the outcome of the attempt that is on or comes next. */
interface Attempt {
  resolve(): void;
  reject(error: RuntimeError): void;
}

export interface AmqpConsumerParts {
  readonly sink: DeliverySink;
  readonly backoff: Backoff;
  readonly listener: BrokerListener;
  /** Called once, when the consumer is closed. */
  readonly closed: (consumer: AmqpConsumer) => void;
}

/**
 * One queue's consumer over all its epochs. Whatever ends an epoch, it opens the next one: at once when a new connection
 * comes, with back-off when only its channel was lost.
 *
 * Cost: an ack is two comparisons and 21 bytes in the connection's writer.
 */
export class AmqpConsumer implements Consumer {
  readonly queue: string;
  readonly #parts: AmqpConsumerParts;
  readonly #attempts: Attempt[] = [];
  #prefetch: number;
  #state: ConsumerState = 'waiting';
  #connection: AmqpConnection | undefined;
  #channel: ConsumerChannel | undefined;
  #timer: NodeJS.Timeout | undefined;
  #epoch = 0;
  #lastEpoch = 0;
  #staleAcks = 0;
  #closed: Promise<void> | undefined;

  constructor(options: ConsumerOptions, parts: AmqpConsumerParts) {
    this.queue = options.queue;
    this.#prefetch = options.prefetch;
    this.#parts = parts;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get staleAcks(): number {
    return this.#staleAcks;
  }

  /** Resolves when the first epoch is open; rejects, and closes, with the reason why the broker refused it. */
  async start(): Promise<void> {
    try {
      await this.#nextAttempt();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The broker has a connection again. */
  connected(connection: AmqpConnection): void {
    this.#connection = connection;
    if (this.#state === 'waiting') this.#open();
  }

  /** The connection is lost; the channel, if there was one, has been told already. */
  disconnected(): void {
    this.#connection = undefined;
    clearTimeout(this.#timer);
  }

  ack(epoch: number, tag: number, multiple: boolean): void {
    this.#liveChannel(epoch, tag)?.ack(tag, multiple);
  }

  nack(epoch: number, tag: number, requeue: boolean): void {
    this.#liveChannel(epoch, tag)?.nack(tag, requeue);
  }

  flush(): void {
    this.#channel?.flush();
  }

  async cancel(): Promise<void> {
    if (this.#state !== 'cancelled' && this.#state !== 'closed') {
      clearTimeout(this.#timer);
      this.#move('cancelled');
      this.#settleAttempts(this.#goneError());
    }
    await this.#channel?.cancel();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const channel = this.#channel;
    clearTimeout(this.#timer);
    this.#move('closed');
    this.#settleAttempts(this.#goneError());
    this.#parts.closed(this);
    await channel?.close();
  }

  async adjust(prefetch: number): Promise<void> {
    this.#prefetch = prefetch;
    await this.#channel?.grow(prefetch);
  }

  async resize(prefetch: number): Promise<void> {
    this.#prefetch = prefetch;
    const channel = this.#channel;
    if (channel === undefined || this.#state === 'cancelled' || this.#state === 'closed') return;
    if (this.#state !== 'waiting') this.#move('waiting');
    const opened = this.#nextAttempt();
    // A rejection that comes before it is awaited below must not count as unhandled.
    opened.catch(() => undefined);
    await channel.close();
    if (this.#state === 'waiting') this.#open();
    await opened;
  }

  #open(): void {
    const connection = this.#connection;
    if (connection === undefined || connection.state !== 'open' || this.#channel !== undefined) return;
    clearTimeout(this.#timer);
    this.#move('opening');
    const channel = new ConsumerChannel(connection, { queue: this.queue, prefetch: this.#prefetch }, this.#parts.sink, {
      consuming: () => this.#consuming(),
      ended: (reason) => this.#ended(channel, reason),
    });
    this.#channel = channel;
    try {
      channel.open();
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      this.#ended(channel, error);
    }
  }

  #consuming(): void {
    this.#move('consuming');
    this.#parts.backoff.up();
    this.#lastEpoch += 1;
    this.#epoch = this.#lastEpoch;
    this.#parts.sink.epochOpened(this.#epoch);
    this.#settleAttempts(undefined);
  }

  #ended(channel: ConsumerChannel, reason: RuntimeError | undefined): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    const epoch = this.#epoch;
    this.#epoch = 0;
    if (this.#state === 'opening' || this.#state === 'consuming') {
      this.#move('waiting');
      if (reason !== undefined) this.#retryLater(reason);
    }
    if (epoch !== 0) this.#parts.sink.epochClosed(epoch, reason);
  }

  #retryLater(reason: RuntimeError): void {
    // With the connection lost, the next one brings the next attempt.
    if (this.#connection?.state !== 'open') return;
    if (this.#lastEpoch === 0) {
      this.#settleAttempts(reason);
      return;
    }
    const delayMs = this.#parts.backoff.next();
    this.#timer = setTimeout(() => this.#open(), delayMs);
    this.#settleAttempts(reason);
    this.#parts.listener.consumerWaiting?.(this.queue, reason, delayMs);
  }

  #liveChannel(epoch: number, tag: number): ConsumerChannel | undefined {
    if (tag < 1) throw new RuntimeError('E_STATE', `tag ${tag} would settle all deliveries: tags count from 1`);
    if (epoch === this.#epoch && epoch !== 0) return this.#channel;
    this.#staleAcks += 1;
    return undefined;
  }

  #nextAttempt(): Promise<void> {
    return new Promise((resolve, reject) => this.#attempts.push({ resolve, reject }));
  }

  #settleAttempts(error: RuntimeError | undefined): void {
    for (const attempt of this.#attempts.splice(0)) {
      if (error === undefined) attempt.resolve();
      else attempt.reject(error);
    }
  }

  #goneError(): RuntimeError {
    return new RuntimeError('E_STATE', `the consumer of '${this.queue}' was ${this.#state} before it could consume`);
  }

  #move(to: ConsumerState): void {
    if (!NEXT[this.#state].includes(to)) {
      throw new RuntimeError('E_STATE', `a consumer cannot go from ${this.#state} to ${to}`);
    }
    this.#state = to;
  }
}
