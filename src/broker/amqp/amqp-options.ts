/** What the RabbitMQ adapter is told by the composition root: all resolved, all required except TLS. */

/** Passed on to node:tls. Contents of files, not their paths. Used for `amqps://` only. */
export interface AmqpTlsOptions {
  /** Certificates to trust instead of the well-known authorities, PEM. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** Client certificate and its key, PEM: needed where the broker verifies its clients, e.g. for EXTERNAL. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly passphrase?: string;
  /** Name the broker's certificate must carry, where it differs from the host in the URL. */
  readonly servername?: string;
  /** False accepts any certificate: anyone on the path can then read and change everything. Default true. */
  readonly rejectUnauthorized?: boolean;
}

export interface ReconnectOptions {
  /** Ceiling of the first wait in ms, 1 or more. It doubles with each failure; the wait is random below the ceiling. */
  readonly minMs: number;
  /** Highest ceiling in ms, at least `minMs`. Longer spares a broker that restarts; shorter finds it sooner. */
  readonly maxMs: number;
}

export interface AmqpBrokerOptions {
  /**
   * `amqp://` and `amqps://` URLs of one cluster, at least one, tried in turn. See broker-url.ts for the syntax.
   * Otherwise throws `E_BROKER_URL`.
   */
  readonly urls: readonly string[];
  readonly tls?: AmqpTlsOptions;
  /**
   * Heartbeat interval in seconds, 1 to 65535, 0 for none; the broker may ask for a shorter one, the URL's
   * `heartbeat` parameter wins over this option. A peer that vanished is noticed within twice the interval.
   * Cost: below 5 s a busy network or a paused process raises false alarms.
   */
  readonly heartbeatSeconds: number;
  /** Ms that one host may take from the first packet to the end of the handshake, 1 or more. Then `E_BROKER_UNREACHABLE`. */
  readonly connectTimeoutMs: number;
  readonly reconnect: ReconnectOptions;
  /** Shown in RabbitMQ's management UI. */
  readonly connectionName: string;
  /**
   * Bytes of body that one message may have, 0 to 2^31. A larger one is not read into memory: its consumer's channel
   * is closed with `E_MESSAGE_TOO_LARGE`, the message goes back to the queue and the consumer tries again with back-off.
   */
  readonly maxMessageBytes: number;
}

const MEBIBYTE = 1024 * 1024;

/**
 * Heartbeat 10 s: a dead peer is noticed in at most 20 s, and RabbitMQ's guide calls 5 to 20 s the useful range
 * (its own default of 60 s leaves a worker deaf for two minutes). 128 MiB is RabbitMQ's own default message limit
 * before 4.0 and eight times the one since.
 */
export const AMQP_DEFAULTS: Omit<AmqpBrokerOptions, 'urls' | 'tls'> = {
  heartbeatSeconds: 10,
  connectTimeoutMs: 10_000,
  reconnect: { minMs: 200, maxMs: 10_000 },
  connectionName: 'millrace',
  maxMessageBytes: 128 * MEBIBYTE,
};
