/**
 * The options of a runtime: this file is their reference documentation (docs/reference/options.md is generated from it).
 * Every default is in defaults.ts, every check in check-options.ts; a test compares the three.
 */
import type { Broker } from '../broker/broker.ts';
import type { Store } from '../store/store.ts';
import type { ByteSize } from '../support/byte-size.ts';
import type { Duration } from '../support/duration.ts';
import type { RetrySettings } from '../task/retry-policy.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface RuntimeOptions {
  /**
   * The module that exports the tasks; every thread imports it once.
   * A URL, or a path relative to the working directory.
   * @remarks Required, otherwise `E_OPTION_MISSING`. A module that cannot be imported or has no task rejects the start
   *   with `E_TASK_MODULE_LOAD` or `E_TASK_MODULE_EMPTY`. Env `MILLRACE_TASKS`.
   */
  readonly tasks: URL | string;
  /**
   * RabbitMQ: a URL, several URLs of one cluster (tried in turn), settings, or a broker made elsewhere (embedding,
   * tests). A broker made elsewhere is started, and stays open when the runtime stops.
   * @defaultValue `amqp://localhost`
   * @remarks Rejects with `E_BROKER_URL`, `E_BROKER_UNREACHABLE`, `E_BROKER_AUTH`, `E_BROKER_VHOST`. Env `AMQP_URL`
   *   (several separated by commas).
   */
  readonly broker?: string | readonly string[] | BrokerSettings | Broker;
  /**
   * MongoDB: a URL with a database name, settings, or a store made elsewhere (started, and left open by a stop). Without
   * a store tasks run and are acknowledged, and a task that returns an effect fails with `E_STORE_MISSING`.
   * @defaultValue none
   * @remarks Rejects with `E_STORE_URL`, `E_STORE_AUTH`, `E_STORE_UNREACHABLE`. Env `MONGO_URL`.
   */
  readonly store?: string | StoreSettings | Store;
  /**
   * The queues to consume: names, or settings for each. One queue's slowness or errors do not touch another's acks.
   * @defaultValue `["default"]`
   * @remarks 1 to 100 queues, each name once, otherwise `E_OPTION_RANGE`. Env `MILLRACE_QUEUES` (separated by commas).
   */
  readonly queues?: readonly (string | QueueSettings)[];
  /**
   * The type that missing queues are declared with. `quorum` is safer and drains faster; `classic` publishes with less
   * latency on one node. A queue that exists keeps its type.
   * @defaultValue `quorum`
   * @remarks `quorum` or `classic`. Env `MILLRACE_QUEUE_TYPE`.
   */
  readonly queueType?: 'quorum' | 'classic';
  /**
   * Whether missing queues, their dead-letter exchange and `<queue>.dead` are declared at the start. `false`: they must
   * exist, otherwise `E_BROKER_QUEUE_MISSING`. A queue that exists is consumed as it is either way.
   * @defaultValue `true`
   * @remarks Boolean. Env `MILLRACE_DECLARE`.
   */
  readonly declare?: boolean;
  /**
   * Threads that run tasks, beside the main thread, which owns the sockets and never runs tasks.
   * More than cores only helps tasks that block without using CPU; each costs about 10 MB and a store connection or two.
   * @defaultValue cores − 1, at least 1
   * @remarks 1 to 256, otherwise `E_OPTION_RANGE`. Env `MILLRACE_THREADS`.
   */
  readonly threads?: number;
  /**
   * Messages that the broker may push ahead, for each queue that does not say otherwise. `auto` follows the measured work:
   * it begins with 16 messages for each task that runs at once and grows to two seconds of work, up to 2000 messages.
   * Larger: fuller batches, more throughput. Smaller: fairer between processes, less to redeliver after a crash.
   * A batch holds at most prefetch ÷ (2 × threads + 2) messages, so that no thread starves. `auto` grows by
   * further consumers on the same channel: give a number where a queue has a single active consumer, which stays at 16.
   * @defaultValue `auto`
   * @remarks `auto` or 1 to 65535, otherwise `E_OPTION_RANGE`. Env `MILLRACE_PREFETCH`.
   */
  readonly prefetch?: number | 'auto';
  /** How deliveries are gathered before they go to a thread. */
  readonly batching?: BatchingSettings;
  /** How much memory deliveries may take. */
  readonly credit?: CreditSettings;
  /** How often, and how soon, a task that failed is tried again; a queue and a task may say otherwise. */
  readonly retry?: RetrySettings;
  /** How long a task may take. */
  readonly timeouts?: TimeoutSettings;
  /** What happens to messages whose task this worker does not have, e.g. because it is older than the sender. */
  readonly unknownTasks?: UnknownTaskSettings;
  /** Where messages wait for a delay. */
  readonly delays?: DelaySettings;
  /** How large a thread's heap may become, and when a thread is replaced. */
  readonly threadLimits?: ThreadLimitSettings;
  /** How long a stop may take. */
  readonly shutdown?: ShutdownSettings;
  /** What is logged, as JSON lines on standard error; or a logger of your own, e.g. a pino instance. */
  readonly log?: LogSettings | Logger;
  /**
   * Whether SIGTERM and SIGINT drain this runtime, and a second one ends the process at once with 143 or 130.
   * The `millrace` command sets it; a host program usually has its own handlers.
   * @defaultValue `false`
   * @remarks Boolean.
   */
  readonly signals?: boolean;
}

export interface BrokerSettings {
  /**
   * One URL, or several of one cluster, tried in turn: `amqp://user:password@host:5672/vhost`, `amqps://…` for TLS.
   * @remarks Required, otherwise `E_OPTION_MISSING`.
   */
  readonly urls: string | readonly string[];
  /** Certificates and keys for `amqps://`. */
  readonly tls?: TlsSettings;
  /**
   * How often each side shows that it is alive; a silent peer is given up after twice this time.
   * @defaultValue `10s`
   * @remarks Duration, 1s to 10m, otherwise `E_OPTION_RANGE`. The server's own value wins where it is lower.
   */
  readonly heartbeat?: Duration;
  /**
   * How long one host may take from the first packet to an open connection.
   * @defaultValue `10s`
   * @remarks Duration, 100ms to 5m, otherwise `E_OPTION_RANGE`.
   */
  readonly connectTimeout?: Duration;
  /**
   * The name that RabbitMQ's management page shows for the connection.
   * @defaultValue `millrace`
   * @remarks 1 to 200 characters.
   */
  readonly connectionName?: string;
}

export interface TlsSettings {
  /**
   * Certificates of the authorities to trust, PEM text or bytes; without it Node's own list.
   * @defaultValue none
   */
  readonly ca?: string | Uint8Array;
  /**
   * The client's certificate, PEM.
   * @defaultValue none
   */
  readonly cert?: string | Uint8Array;
  /**
   * The client's private key, PEM.
   * @defaultValue none
   */
  readonly key?: string | Uint8Array;
  /**
   * Opens an encrypted key. Never logged.
   * @defaultValue none
   */
  readonly passphrase?: string;
  /**
   * Host name that the server's certificate must carry, where it differs from the URL's.
   * @defaultValue none
   */
  readonly serverName?: string;
  /**
   * Whether the server's certificate must be valid. `false` accepts any: whoever is on the path can read and change
   * everything. For trials only.
   * @defaultValue `true`
   */
  readonly verify?: boolean;
}

export interface StoreSettings {
  /**
   * `mongodb://user:password@host:27017/database`; the path names the database, `millrace` where there is none.
   * @remarks Required, otherwise `E_OPTION_MISSING`. `E_STORE_URL` where it cannot be read.
   */
  readonly url: string;
  /**
   * How long one bulk write may take with all its retries before the batch counts as unknown and runs again. Longer
   * rides out slow elections; shorter notices a dead network sooner.
   * @defaultValue `20s`
   * @remarks Duration, 100ms to 10m, otherwise `E_OPTION_RANGE`.
   */
  readonly timeout?: Duration;
  /**
   * Connections of each thread. Connections in all = threads × processes × this.
   * @defaultValue `2`
   * @remarks 1 to 100, otherwise `E_OPTION_RANGE`.
   */
  readonly connectionsPerThread?: number;
  /**
   * How long the store remembers which tasks' updates, replacements and deletions it has applied. A message that is
   * delivered again later than this may be applied again.
   * @defaultValue `168h`
   * @remarks Duration, 1h to 8760h, otherwise `E_OPTION_RANGE`.
   */
  readonly effectMemory?: Duration;
}

export interface QueueSettings {
  /**
   * The queue's name on the broker.
   * @remarks Required, 1 to 255 bytes, not beginning with `amq.`; otherwise `E_OPTION_RANGE`.
   */
  readonly name: string;
  /**
   * The task of messages that name none (no `type` property). Without it such messages are dead-lettered with
   * `E_TASK_UNKNOWN`.
   * @defaultValue none
   */
  readonly task?: string;
  /**
   * Messages of this queue that the broker may push ahead.
   * @defaultValue the runtime's `prefetch`
   * @remarks `auto` or 1 to 65535, otherwise `E_OPTION_RANGE`.
   */
  readonly prefetch?: number | 'auto';
  /**
   * Share of the threads' time that this queue gets while other queues of the runtime have messages too. A queue with
   * weight 3 gets three times as much as one with weight 1; what one does not use the others get.
   * @defaultValue `1`
   * @remarks 1 to 100, otherwise `E_OPTION_RANGE`.
   */
  readonly weight?: number;
  /** Retries of this queue's tasks, where the task's own definition does not say. */
  readonly retry?: RetrySettings;
}

export interface BatchingSettings {
  /**
   * Messages a batch is closed at. `auto` follows the measured work: about 10 ms a batch, so microsecond tasks travel by
   * hundreds and 50 ms tasks alone.
   * @defaultValue `auto`
   * @remarks `auto` or 1 to 10000, otherwise `E_OPTION_RANGE`; prefetch bounds it too. Env `MILLRACE_BATCH_TARGET`.
   */
  readonly target?: number | 'auto';
  /**
   * Bytes a batch is closed at. A larger message travels alone.
   * @defaultValue `1MiB`
   * @remarks Size, 1KiB to 256MiB, otherwise `E_OPTION_RANGE`. Env `MILLRACE_BATCH_MAX_BYTES`.
   */
  readonly maxBytes?: ByteSize;
  /**
   * How long a part-filled batch waits for more deliveries while all threads are busy. An idle thread gets what there is
   * at once, so this adds no latency to an idle system; only where messages pour in so fast that the batch will be full
   * within twice this time does it wait for that, which saves an eighth of the CPU. 0 waits for nothing.
   * @defaultValue `5ms`
   * @remarks Duration, 0ms to 10s, otherwise `E_OPTION_RANGE`. Env `MILLRACE_BATCH_MAX_AGE`.
   */
  readonly maxAge?: Duration;
}

export interface CreditSettings {
  /**
   * Bytes of deliveries held at most, the runtime's copy and the thread's together; reading pauses above it. One message
   * is always let in, however large.
   * @defaultValue `64MiB`
   * @remarks Size, 1MiB to 64GiB, otherwise `E_OPTION_RANGE`. Env `MILLRACE_CREDIT_BYTES`.
   */
  readonly bytes?: ByteSize;
}

export interface TimeoutSettings {
  /**
   * How long one call of a task may take, where its definition does not say. Then its signal aborts, and after the grace
   * its thread is ended: the attempt counts as timed out, the other tasks of the thread run again, no attempt counted.
   * Stay below the broker's consumer timeout (30 minutes unless configured).
   * @defaultValue `15m`
   * @remarks Duration, 10ms to 24h, otherwise `E_OPTION_RANGE`. Env `MILLRACE_TASK_TIMEOUT`.
   */
  readonly task?: Duration;
  /**
   * How long a task has after its timeout to notice the aborted signal and end by itself.
   * @defaultValue `2s`
   * @remarks Duration, 0ms to 10m, otherwise `E_OPTION_RANGE`.
   */
  readonly grace?: Duration;
}

export interface UnknownTaskSettings {
  /**
   * How long such a message waits before a worker looks at it again.
   * @defaultValue `10s`
   * @remarks Duration, 100ms to 24h, otherwise `E_OPTION_RANGE`.
   */
  readonly wait?: Duration;
  /**
   * How many times it waits; then it goes to the dead letters with `E_TASK_UNKNOWN`. 0: at once. Waiting counts no attempt.
   * @defaultValue `60`
   * @remarks 0 to 10000, otherwise `E_OPTION_RANGE`.
   */
  readonly limit?: number;
}

export interface DelaySettings {
  /**
   * Beginning of the names of the exchanges and queues in which delayed messages wait; one set serves a virtual host.
   * Workers and clients that share one must use the same.
   * @defaultValue `millrace.delay`
   * @remarks 1 to 100 bytes, otherwise `E_OPTION_RANGE`.
   */
  readonly prefix?: string;
}

export interface ThreadLimitSettings {
  /**
   * Heap of each thread at most; a task that needs more ends its thread, which costs it an attempt. Without it Node's own
   * limit, which grows with the machine. Buffers are not counted.
   * @defaultValue none
   * @remarks Size, 16MiB to 64GiB, otherwise `E_OPTION_RANGE`.
   */
  readonly heap?: ByteSize;
  /**
   * A thread is replaced after so many tasks, one thread at a time, when its batches have ended.
   * @defaultValue none
   * @remarks 1 to 1000000000, otherwise `E_OPTION_RANGE`.
   */
  readonly recycleTasks?: number;
  /**
   * A thread is replaced when its heap has grown above this, for task modules that leak.
   * @defaultValue none
   * @remarks Size, 8MiB to 64GiB, otherwise `E_OPTION_RANGE`.
   */
  readonly recycleHeap?: ByteSize;
  /**
   * A thread is replaced when it is older than this.
   * @defaultValue none
   * @remarks Duration, 1s to 720h, otherwise `E_OPTION_RANGE`.
   */
  readonly recycleAge?: Duration;
}

export interface ShutdownSettings {
  /**
   * How long a stop waits for tasks that have begun. Then their signals abort, and what still runs half a second later
   * goes back to the queue with no attempt counted. Kubernetes kills after 30 s unless told otherwise: stay below it.
   * @defaultValue `25s`
   * @remarks Duration, 0ms to 1h, otherwise `E_OPTION_RANGE`. Env `MILLRACE_SHUTDOWN_GRACE`.
   */
  readonly grace?: Duration;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogSettings {
  /**
   * The least important level that is still written.
   * @defaultValue `info`
   * @remarks `debug`, `info`, `warn`, `error` or `silent`. Env `MILLRACE_LOG_LEVEL`.
   */
  readonly level?: LogLevel;
}
