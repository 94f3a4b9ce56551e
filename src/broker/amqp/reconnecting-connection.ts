import { RuntimeError } from '../../errors/runtime-error.ts';
import type { BrokerHealth, BrokerListener, BrokerState } from '../broker.ts';
import { AmqpConnection } from './amqp-connection.ts';
import type { AmqpBrokerOptions } from './amqp-options.ts';
import { type BrokerTarget, parseBrokerUrls } from './broker-url.ts';
import { Backoff } from './reconnect.ts';

const NEXT: Readonly<Record<BrokerState, readonly BrokerState[]>> = {
  created: ['connecting', 'stopped'],
  connecting: ['connected', 'waiting', 'created', 'stopped'],
  connected: ['blocked', 'waiting', 'stopped'],
  blocked: ['connected', 'waiting', 'stopped'],
  waiting: ['connecting', 'stopped'],
  stopped: [],
};

/** Told of each life of the connection, before the public listener is. */
export interface ConnectionUser {
  connected(connection: AmqpConnection): void;
  disconnected(): void;
}

/**
 * Keeps one connection up: tries all hosts in turn, beginning with the one that worked last, and after a loss tries again
 * for ever, with full jitter between the rounds. What would be fatal at the start (refused credentials, a missing virtual
 * host) is reported and tried again later, because an operator who rotates them should not have to restart every worker.
 *
 *     created ──start──▶ connecting ──▶ connected ◀──▶ blocked
 *        ▲ first round failed │ ▲            │            │
 *        └────────────────────┤ └─ waiting ◀─┴────────────┘        stop from anywhere ──▶ stopped, for good
 */
export class ReconnectingConnection {
  readonly #options: AmqpBrokerOptions;
  readonly #listener: BrokerListener;
  readonly #user: ConnectionUser;
  readonly #backoff: Backoff;
  #state: BrokerState = 'created';
  #targets: readonly BrokerTarget[] = [];
  #targetIndex = 0;
  #connection: AmqpConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #server: string | undefined;
  #reason: string | undefined;
  #reconnects = 0;
  #paused = false;

  constructor(options: AmqpBrokerOptions, listener: BrokerListener, user: ConnectionUser) {
    this.#options = options;
    this.#listener = listener;
    this.#user = user;
    this.#backoff = new Backoff(options.reconnect);
  }

  /** The open connection, if there is one. */
  get current(): AmqpConnection | undefined {
    return this.#state === 'connected' || this.#state === 'blocked' ? this.#connection : undefined;
  }

  get state(): BrokerState {
    return this.#state;
  }

  health(): BrokerHealth {
    return { state: this.#state, server: this.#server, reason: this.#reason, reconnects: this.#reconnects };
  }

  /** One round over all hosts. Rejects with the reason of the host that got furthest, and leaves nothing behind. */
  async start(): Promise<void> {
    if (this.#state === 'stopped') throw new RuntimeError('E_STATE', 'the broker was stopped: make another one');
    this.#targets = parseBrokerUrls(this.#options.urls);
    this.#move('connecting');
    try {
      this.#adopt(await this.#connectRound());
    } catch (error) {
      if (this.#isConnecting()) this.#move('created');
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#move('stopped');
    clearTimeout(this.#timer);
    this.#reason = undefined;
    await this.#connection?.close();
  }

  setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#connection?.setPaused(paused);
  }

  /** The broker reads no more from who publishes: told on this connection, or on the one that publishes. */
  blocked(reason: string): void {
    if (this.#state !== 'connected') return;
    this.#move('blocked');
    this.#reason = reason;
    this.#listener.blocked?.(reason);
  }

  unblocked(): void {
    if (this.#state !== 'blocked') return;
    this.#move('connected');
    this.#reason = undefined;
    this.#listener.unblocked?.();
  }

  async #connectRound(): Promise<AmqpConnection> {
    const failures: RuntimeError[] = [];
    for (let tried = 0; tried < this.#targets.length; tried += 1) {
      const target = this.#targets[this.#targetIndex] as BrokerTarget;
      try {
        return await this.#connect(target);
      } catch (error) {
        if (!(error instanceof RuntimeError)) throw error;
        if (!this.#isConnecting()) throw stoppedError();
        failures.push(error);
        this.#targetIndex = (this.#targetIndex + 1) % this.#targets.length;
      }
    }
    throw summarise(failures);
  }

  async #connect(target: BrokerTarget): Promise<AmqpConnection> {
    const connection = new AmqpConnection(target, this.#options, {
      blocked: (reason) => this.blocked(reason),
      unblocked: () => this.unblocked(),
      lost: (error) => this.#lost(connection, error),
    });
    this.#connection = connection;
    await connection.open();
    if (!this.#isConnecting()) throw stoppedError();
    // It may have been lost again within the same read that opened it.
    if (connection.failure !== undefined) throw connection.failure;
    return connection;
  }

  #adopt(connection: AmqpConnection): void {
    this.#move('connected');
    this.#backoff.up();
    this.#server = connection.server;
    this.#reason = undefined;
    connection.setPaused(this.#paused);
    this.#user.connected(connection);
    this.#listener.connected?.(connection.server, connection.where);
  }

  #lost(connection: AmqpConnection, error: RuntimeError): void {
    if (this.current !== connection) return;
    this.#user.disconnected();
    this.#retryLater(error);
  }

  #retryLater(error: RuntimeError): void {
    this.#move('waiting');
    this.#connection = undefined;
    this.#reason = error.message;
    const delayMs = this.#backoff.next();
    this.#timer = setTimeout(() => void this.#reconnect(), delayMs);
    this.#listener.lost?.(error, delayMs);
  }

  async #reconnect(): Promise<void> {
    this.#move('connecting');
    try {
      const connection = await this.#connectRound();
      this.#reconnects += 1;
      this.#adopt(connection);
    } catch (error) {
      if (!this.#isConnecting()) return;
      if (!(error instanceof RuntimeError)) throw error;
      this.#retryLater(error);
    }
  }

  /** Asked again after each await: stop may have come in between. */
  #isConnecting(): boolean {
    return this.#state === 'connecting';
  }

  #move(to: BrokerState): void {
    if (!NEXT[this.#state].includes(to)) {
      throw new RuntimeError('E_STATE', `the broker cannot go from ${this.#state} to ${to}`);
    }
    this.#state = to;
  }
}

function stoppedError(): RuntimeError {
  return new RuntimeError('E_BROKER_CONNECTION_CLOSED', 'the broker was stopped while it was connecting');
}

/** One host: its own error. Several: the code of one that answered, if any did, and what each of them said. */
function summarise(failures: readonly RuntimeError[]): RuntimeError {
  const telling = failures.find((failure) => failure.code !== 'E_BROKER_UNREACHABLE') ?? failures[0];
  if (telling === undefined) return new RuntimeError('E_BROKER_UNREACHABLE', 'there is no broker host to try');
  if (failures.length === 1) return telling;
  const all = failures.map((failure) => failure.message).join('; ');
  return new RuntimeError(telling.code, `none of ${failures.length} broker hosts can be used: ${all}`, {
    cause: telling,
  });
}
