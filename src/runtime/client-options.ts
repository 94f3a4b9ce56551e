import type { DelaySettings, RuntimeOptions } from '../config/options.ts';
import type { Duration } from '../support/duration.ts';

export interface ClientOptions {
  /**
   * RabbitMQ: a URL, several URLs of one cluster, settings, or a broker made elsewhere, which is started and stays open
   * when the client closes.
   * @defaultValue `amqp://localhost`
   * @remarks Rejects with `E_BROKER_URL`, `E_BROKER_UNREACHABLE`, `E_BROKER_AUTH`, `E_BROKER_VHOST`.
   */
  readonly broker?: NonNullable<RuntimeOptions['broker']>;
  /**
   * Messages unconfirmed at once, over all calls. More keeps a distant broker busy; above about 2,000 it only adds
   * latency and memory.
   * @defaultValue `1000`
   * @remarks 1 to 65535, otherwise `E_OPTION_RANGE`.
   */
  readonly window?: number;
  /**
   * Where messages go when neither the call nor the task's definition names a queue.
   * @defaultValue `default`
   * @remarks 1 to 255 bytes of UTF-8, otherwise `E_OPTION_RANGE`.
   */
  readonly queue?: string;
  /**
   * The type that missing queues are declared with. A queue that exists keeps its type.
   * @defaultValue `quorum`
   */
  readonly queueType?: 'quorum' | 'classic';
  /**
   * Whether each queue is declared, with its dead-letter queue, before the first message to it. `false`: it must exist,
   * or sending rejects with `E_PUBLISH_UNROUTABLE`.
   * @defaultValue `true`
   */
  readonly declare?: boolean;
  /** Where delayed messages wait. */
  readonly delays?: DelaySettings;
  /**
   * How long `close` waits for confirms that are still to come.
   * @defaultValue `10s`
   * @remarks Duration, 0 to 10m, otherwise `E_OPTION_RANGE`.
   */
  readonly closeGrace?: Duration;
}

/** The defaults of the options above. The window is the largest that still added throughput to a broker nearby. */
export const CLIENT_DEFAULTS = {
  broker: 'amqp://localhost',
  window: 1000,
  queue: 'default',
  queueType: 'quorum',
  declare: true,
  delays: { prefix: 'millrace.delay' },
  closeGrace: '10s',
} as const satisfies ClientOptions;
