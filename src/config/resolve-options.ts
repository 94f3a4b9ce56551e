import { pathToFileURL } from 'node:url';
import type { Broker } from '../broker/broker.ts';
import type { Store } from '../store/store.ts';
import { parseByteSize } from '../support/byte-size.ts';
import { parseDuration } from '../support/duration.ts';
import { DEFAULT_RETRY, type RetryPolicy, resolveRetry } from '../task/retry-policy.ts';
import type { Logger } from '../telemetry/logger.ts';
import { checkOptions, isInstance, isLogger } from './check-options.ts';
import { DEFAULTS, defaultThreads } from './defaults.ts';
import type {
  BrokerSettings,
  LogLevel,
  LogSettings,
  QueueSettings,
  RuntimeOptions,
  StoreSettings,
  ThreadLimitSettings,
  TlsSettings,
} from './options.ts';

/** A broker to connect to, or one that the caller made. */
export type ResolvedBroker =
  | {
      readonly kind: 'amqp';
      readonly urls: readonly string[];
      /** `verify` is filled in where TLS settings were given. */
      readonly tls: TlsSettings | undefined;
      readonly heartbeatMs: number;
      readonly connectTimeoutMs: number;
      readonly connectionName: string;
    }
  | { readonly kind: 'instance'; readonly broker: Broker };

/** A store to connect to, or one that the caller made. */
export type ResolvedStore =
  | {
      readonly kind: 'mongo';
      readonly url: string;
      readonly timeoutMs: number;
      readonly connectionsPerThread: number;
      readonly effectMemoryMs: number;
    }
  | { readonly kind: 'instance'; readonly store: Store };

export type ResolvedLog =
  | { readonly kind: 'level'; readonly level: LogLevel }
  | { readonly kind: 'instance'; readonly logger: Logger };

export interface ResolvedQueue {
  readonly name: string;
  readonly task: string | undefined;
  readonly prefetch: number | 'auto';
  readonly weight: number;
  /** The queue's settings over the runtime's; a task's own go over these. */
  readonly retry: RetryPolicy;
}

/** RuntimeOptions with nothing left open: checked, defaults filled in, units in the names. */
export interface ResolvedOptions {
  readonly tasks: URL;
  readonly broker: ResolvedBroker;
  readonly store: ResolvedStore | undefined;
  readonly queues: readonly ResolvedQueue[];
  readonly queueType: 'quorum' | 'classic';
  readonly declare: boolean;
  readonly threads: number;
  readonly batch: { readonly target: number | 'auto'; readonly maxBytes: number; readonly maxAgeMs: number };
  readonly creditBytes: number;
  readonly timeouts: { readonly taskMs: number; readonly graceMs: number };
  readonly unknownTasks: { readonly waitMs: number; readonly limit: number };
  readonly delayPrefix: string;
  readonly threadLimits: {
    readonly heapBytes: number | undefined;
    readonly recycleTasks: number | undefined;
    readonly recycleHeapBytes: number | undefined;
    readonly recycleAgeMs: number | undefined;
  };
  readonly shutdown: { readonly graceMs: number };
  readonly log: ResolvedLog;
  readonly signals: boolean;
}

/** Checks the options, fills in what was not given, and turns every duration and size into a number. */
export function resolveOptions(options: RuntimeOptions): ResolvedOptions {
  checkOptions(options);
  const prefetch = options.prefetch ?? DEFAULTS.runtime.prefetch;
  const retry = resolveRetry(options.retry, DEFAULT_RETRY);
  return {
    tasks: resolveModule(options.tasks),
    broker: resolveBroker(options.broker ?? DEFAULTS.runtime.broker),
    store: options.store === undefined ? undefined : resolveStore(options.store),
    queues: (options.queues ?? DEFAULTS.runtime.queues).map((queue) => resolveQueue(queue, prefetch, retry)),
    queueType: options.queueType ?? DEFAULTS.runtime.queueType,
    declare: options.declare ?? DEFAULTS.runtime.declare,
    threads: options.threads ?? defaultThreads(),
    batch: {
      target: options.batching?.target ?? DEFAULTS.batching.target,
      maxBytes: bytes(options.batching?.maxBytes ?? DEFAULTS.batching.maxBytes),
      maxAgeMs: ms(options.batching?.maxAge ?? DEFAULTS.batching.maxAge),
    },
    creditBytes: bytes(options.credit?.bytes ?? DEFAULTS.credit.bytes),
    timeouts: {
      taskMs: ms(options.timeouts?.task ?? DEFAULTS.timeouts.task),
      graceMs: ms(options.timeouts?.grace ?? DEFAULTS.timeouts.grace),
    },
    unknownTasks: {
      waitMs: ms(options.unknownTasks?.wait ?? DEFAULTS.unknownTasks.wait),
      limit: options.unknownTasks?.limit ?? DEFAULTS.unknownTasks.limit,
    },
    delayPrefix: options.delays?.prefix ?? DEFAULTS.delays.prefix,
    threadLimits: resolveThreadLimits(options.threadLimits ?? {}),
    shutdown: { graceMs: ms(options.shutdown?.grace ?? DEFAULTS.shutdown.grace) },
    log: resolveLog(options.log ?? {}),
    signals: options.signals ?? DEFAULTS.runtime.signals,
  };
}

/** The same for the broker alone, which a client needs too. Expects a checked value. */
export function resolveBroker(broker: NonNullable<RuntimeOptions['broker']>): ResolvedBroker {
  if (isInstance(broker)) return { kind: 'instance', broker: broker as Broker };
  const settings: BrokerSettings =
    typeof broker === 'string' || Array.isArray(broker)
      ? { urls: broker as string | string[] }
      : (broker as BrokerSettings);
  return {
    kind: 'amqp',
    urls: typeof settings.urls === 'string' ? [settings.urls] : settings.urls,
    tls: settings.tls === undefined ? undefined : { verify: DEFAULTS.tls.verify, ...settings.tls },
    heartbeatMs: ms(settings.heartbeat ?? DEFAULTS.broker.heartbeat),
    connectTimeoutMs: ms(settings.connectTimeout ?? DEFAULTS.broker.connectTimeout),
    connectionName: settings.connectionName ?? DEFAULTS.broker.connectionName,
  };
}

function resolveStore(store: NonNullable<RuntimeOptions['store']>): ResolvedStore {
  if (isInstance(store)) return { kind: 'instance', store: store as Store };
  const settings: StoreSettings = typeof store === 'string' ? { url: store } : (store as StoreSettings);
  return {
    kind: 'mongo',
    url: settings.url,
    timeoutMs: ms(settings.timeout ?? DEFAULTS.store.timeout),
    connectionsPerThread: settings.connectionsPerThread ?? DEFAULTS.store.connectionsPerThread,
    effectMemoryMs: ms(settings.effectMemory ?? DEFAULTS.store.effectMemory),
  };
}

function resolveQueue(queue: string | QueueSettings, prefetch: number | 'auto', retry: RetryPolicy): ResolvedQueue {
  const settings = typeof queue === 'string' ? { name: queue } : queue;
  return {
    name: settings.name,
    task: settings.task,
    prefetch: settings.prefetch ?? prefetch,
    weight: settings.weight ?? DEFAULTS.queue.weight,
    retry: resolveRetry(settings.retry, retry),
  };
}

function resolveThreadLimits(limits: ThreadLimitSettings): ResolvedOptions['threadLimits'] {
  return {
    heapBytes: limits.heap === undefined ? undefined : bytes(limits.heap),
    recycleTasks: limits.recycleTasks,
    recycleHeapBytes: limits.recycleHeap === undefined ? undefined : bytes(limits.recycleHeap),
    recycleAgeMs: limits.recycleAge === undefined ? undefined : ms(limits.recycleAge),
  };
}

function resolveLog(log: LogSettings | Logger): ResolvedLog {
  if (isLogger(log)) return { kind: 'instance', logger: log as Logger };
  return { kind: 'level', level: (log as LogSettings).level ?? DEFAULTS.log.level };
}

/** A path is relative to the working directory, as on a command line. */
function resolveModule(tasks: URL | string): URL {
  if (tasks instanceof URL) return tasks;
  return /^(file|data|https?):/.test(tasks) ? new URL(tasks) : pathToFileURL(tasks);
}

function ms(duration: unknown): number {
  return parseDuration(duration) ?? Number.NaN;
}

function bytes(size: unknown): number {
  return parseByteSize(size) ?? Number.NaN;
}
