import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { Connection } from 'rabbitmq-client';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { AmqpBrokerOptions } from './amqp-options.ts';
import { type BrokerTarget, describeUrl, parseBrokerUrls } from './broker-url.ts';
import { FRAME_MAX } from './handshake.ts';
import { connectError, isConnectionLoss, lostError } from './rabbit-error.ts';
import { Backoff } from './reconnect.ts';

type LinkState = 'created' | 'connecting' | 'connected' | 'waiting' | 'closed';

const NEXT: Readonly<Record<LinkState, readonly LinkState[]>> = {
  created: ['connecting', 'closed'],
  connecting: ['connected', 'waiting', 'closed'],
  connected: ['waiting', 'closed'],
  waiting: ['connecting', 'closed'],
  closed: [],
};

/** Work on a connection may take so many times what a connect may take: a whole topology is a hundred commands. */
const WORK_PATIENCE = 6;
/** Time a broker has to say goodbye before the socket is closed without it. */
const CLOSE_TIMEOUT_MS = 2000;

/**
 * Keeps one rabbitmq-client connection up, for topology and inspection.
 *
 *     created ──open──▶ connecting ──▶ connected ──lost──▶ waiting ──back-off──▶ connecting      closed from anywhere
 *
 * A rabbitmq-client Connection is one life here and is destroyed when it is lost: left to itself it reconnects at a fixed
 * pace of a second or more and reports only the first failure, so neither the other hosts' errors nor our back-off
 * would be seen. It is told to switch Nagle's algorithm off and to use large frames; its defaults are on, and 8 KiB.
 */
export class RabbitLink {
  readonly #options: AmqpBrokerOptions;
  readonly #targets: readonly BrokerTarget[];
  readonly #backoff: Backoff;
  readonly #waiters = new Set<{ resolve(connection: Connection): void; reject(error: RuntimeError): void }>();
  #state: LinkState = 'created';
  #targetIndex = 0;
  #connection: Connection | undefined;
  #connecting: Connection | undefined;
  #reason: RuntimeError | undefined;
  /** Connections that were lost before anybody was told of them. */
  readonly #stillborn = new WeakMap<Connection, RuntimeError>();
  #timer: NodeJS.Timeout | undefined;

  /** Throws E_BROKER_URL. */
  constructor(options: AmqpBrokerOptions) {
    this.#options = options;
    this.#targets = parseBrokerUrls(options.urls);
    this.#backoff = new Backoff(options.reconnect);
  }

  /** One round over all hosts; rejects with E_BROKER_UNREACHABLE, _AUTH, _VHOST or _PROTOCOL and is closed then. */
  async open(): Promise<void> {
    this.#move('connecting');
    try {
      this.#adopt(await this.#connectRound());
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Does work that may be done twice, again if the connection goes in the middle of it.
   * Rejects with E_BROKER_UNREACHABLE when there is no connection for as long as a connect may take, or when the work
   * has no end: a node that waits for another one, which stands still, may leave a command without an answer.
   */
  async run<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const giveUpAt = performance.now() + this.#options.connectTimeoutMs;
    for (;;) {
      const connection = await this.#connected(giveUpAt - performance.now());
      try {
        return await this.#inTime(work(connection));
      } catch (error) {
        if (!isConnectionLoss(error)) throw error;
        if (performance.now() > giveUpAt) throw this.#awayError();
        // The client reports the loss to the work before it does to us.
        await new Promise(setImmediate);
      }
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#move('closed');
    clearTimeout(this.#timer);
    const connection = this.#connection;
    this.#connection = undefined;
    this.#connecting?.unsafeDestroy();
    const closed = new RuntimeError('E_STATE', 'the connection for topology was closed');
    for (const waiter of this.#waiters) waiter.reject(closed);
    this.#waiters.clear();
    if (connection !== undefined) await sayGoodbye(connection);
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    const limitMs = WORK_PATIENCE * this.#options.connectTimeoutMs;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new RuntimeError(
        'E_BROKER_UNREACHABLE',
        `the broker did not answer a command within ${limitMs} ms`,
      );
      timer = setTimeout(reject, limitMs, error);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #connected(waitMs: number): Promise<Connection> {
    if (this.#connection !== undefined) return Promise.resolve(this.#connection);
    if (this.#state === 'closed')
      return Promise.reject(new RuntimeError('E_STATE', 'the connection for topology is closed'));
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter = {
        resolve: (connection: Connection): void => (settle(), resolve(connection)),
        reject: (error: RuntimeError): void => (settle(), reject(error)),
      };
      const timer = setTimeout(() => waiter.reject(this.#awayError()), Math.max(0, waitMs));
      this.#waiters.add(waiter);
    });
  }

  #awayError(): RuntimeError {
    const why = this.#reason === undefined ? '' : `: ${this.#reason.message}`;
    const message = `there was no connection to the broker for ${this.#options.connectTimeoutMs} ms${why}`;
    return new RuntimeError('E_BROKER_UNREACHABLE', message, { cause: this.#reason });
  }

  async #connectRound(): Promise<Connection> {
    const failures: RuntimeError[] = [];
    for (let tried = 0; tried < this.#targets.length; tried++) {
      const target = this.#targets[this.#targetIndex] as BrokerTarget;
      try {
        return await this.#connect(target);
      } catch (error) {
        if (!(error instanceof RuntimeError) || this.#state !== 'connecting') throw error;
        failures.push(error);
        this.#targetIndex = (this.#targetIndex + 1) % this.#targets.length;
      }
    }
    const telling = failures.find(({ code }) => code !== 'E_BROKER_UNREACHABLE') ?? failures[0];
    if (telling === undefined || failures.length === 1) throw telling;
    const all = failures.map(({ message }) => message).join('; ');
    throw new RuntimeError(telling.code, `none of ${failures.length} broker hosts can be used: ${all}`, {
      cause: telling,
    });
  }

  #connect(target: BrokerTarget): Promise<Connection> {
    if (target.mechanism !== 'PLAIN') {
      const message = `declaring on ${describeUrl(target)} works with user name and password only, got auth_mechanism=external`;
      return Promise.reject(new RuntimeError('E_BROKER_AUTH', message));
    }
    return new Promise((resolve, reject) => {
      const connection = new Connection(this.#connectionOptions(target));
      this.#connecting = connection;
      connection.once('connection', () => {
        connection.removeListener('error', failed);
        connection.on('error', (error: unknown) => this.#lost(connection, lostError(describeUrl(target), error)));
        resolve(connection);
      });
      const failed = (error: unknown): void => {
        connection.unsafeDestroy();
        reject(connectError(describeUrl(target), error));
      };
      connection.once('error', failed);
    });
  }

  #connectionOptions(target: BrokerTarget): ConstructorParameters<typeof Connection>[0] {
    const { heartbeatSeconds, connectTimeoutMs, connectionName, tls } = this.#options;
    return {
      hostname: target.host,
      port: target.port,
      username: target.username,
      password: target.password,
      vhost: target.vhost,
      heartbeat: target.heartbeatSeconds ?? heartbeatSeconds,
      connectionTimeout: connectTimeoutMs,
      acquireTimeout: connectTimeoutMs,
      connectionName: `${connectionName} topology`,
      frameMax: FRAME_MAX,
      noDelay: true,
      ...(target.secure ? { tls: { ...tls } as TlsOptions } : {}),
    };
  }

  #adopt(connection: Connection): void {
    if (this.#state !== 'connecting') {
      connection.unsafeDestroy();
      throw new RuntimeError('E_STATE', 'the connection for topology was closed while it was opened');
    }
    const lost = this.#stillborn.get(connection);
    if (lost !== undefined) throw lost;
    this.#move('connected');
    this.#backoff.up();
    this.#connecting = undefined;
    this.#connection = connection;
    this.#reason = undefined;
    for (const waiter of [...this.#waiters]) waiter.resolve(connection);
  }

  #lost(connection: Connection, error: RuntimeError): void {
    connection.unsafeDestroy(); // or it would reconnect by itself
    if (this.#connection !== connection) {
      this.#stillborn.set(connection, error);
      return;
    }
    this.#connection = undefined;
    this.#retryLater(error);
  }

  #retryLater(error: RuntimeError): void {
    this.#move('waiting');
    this.#reason = error;
    this.#timer = setTimeout(() => void this.#reconnect(), this.#backoff.next());
  }

  async #reconnect(): Promise<void> {
    this.#move('connecting');
    try {
      this.#adopt(await this.#connectRound());
    } catch (error) {
      if (this.#state !== 'connecting') return; // closed meanwhile
      if (!(error instanceof RuntimeError)) throw error;
      this.#retryLater(error);
    }
  }

  #move(to: LinkState): void {
    if (!NEXT[this.#state].includes(to))
      throw new RuntimeError('E_STATE', `the connection for topology cannot go from ${this.#state} to ${to}`);
    this.#state = to;
  }
}

/** rabbitmq-client waits for ever for a broker that has blocked it, or that does not answer. */
async function sayGoodbye(connection: Connection): Promise<void> {
  connection.removeAllListeners('error');
  connection.on('error', () => {}); // it is being closed: whatever still goes wrong on it hurts nobody
  let deadline: NodeJS.Timeout | undefined;
  const tooLate = new Promise<void>((resolve) => {
    deadline = setTimeout(() => {
      connection.unsafeDestroy();
      resolve();
    }, CLOSE_TIMEOUT_MS);
  });
  await Promise.race([connection.close(), tooLate]);
  clearTimeout(deadline);
}
