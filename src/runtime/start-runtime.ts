/**
 * The composition root: the only place, with create-client.ts, that names adapters. The boxes in the order of the
 * picture in docs/architecture.md.
 */
import { AMQP_DEFAULTS, type AmqpBrokerOptions, type AmqpTlsOptions } from '../broker/amqp/amqp-options.ts';
import { AmqpBroker } from '../broker/amqp/amqp-broker.ts';
import type { Broker } from '../broker/broker.ts';
import type { RuntimeOptions, TlsSettings } from '../config/options.ts';
import {
  type ResolvedBroker,
  type ResolvedLog,
  type ResolvedOptions,
  type ResolvedStore,
  resolveOptions,
} from '../config/resolve-options.ts';
import { createPipeline } from '../delivery/pipeline.ts';
import { ThreadExecutor } from '../executor/thread/thread-executor.ts';
import type { Store } from '../store/store.ts';
import { logBroker } from '../telemetry/broker-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createPinoLogger } from '../telemetry/pino-logger.ts';
import { type Runtime, WorkerRuntime } from './runtime.ts';
import { drainOnSignals } from './signals.ts';
import { ThreadWatch } from './thread-watch.ts';

/**
 * Starts a worker: connects to the broker and the store, loads the tasks in every thread, declares what is missing, and
 * consumes. Resolves when it is consuming; rejects with a coded error that says in one line what was wrong, and leaves
 * nothing running.
 *
 * Order: options → broker → store → threads load the tasks → queues → consumers.
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const resolved = resolveOptions(options);
  const logger = openLogger(resolved.log);
  const runtime = await assembleRuntime(resolved, logger);
  const ignoreSignals = resolved.signals ? drainOnSignals(runtime, logger) : undefined;
  runtime.stopped.then(ignoreSignals, ignoreSignals);
  await runtime.start();
  return runtime;
}

async function assembleRuntime(options: ResolvedOptions, logger: Logger): Promise<WorkerRuntime> {
  const threads = new ThreadWatch(logger);
  const broker = openBroker(options.broker, logger);
  const store = options.store === undefined ? undefined : await openStore(options.store);
  const tasks = { tasks: options.tasks, threads: options.threads, store: store?.writerSpec() };
  const executor = new ThreadExecutor(tasks, threads);
  return new WorkerRuntime({ broker, store, executor, threads, logger, createPipeline }, options);
}

function openLogger(log: ResolvedLog): Logger {
  return log.kind === 'instance' ? log.logger : createPinoLogger(log.level);
}

function openBroker(broker: ResolvedBroker, logger: Logger): Broker {
  return broker.kind === 'instance' ? broker.broker : new AmqpBroker(amqpOptions(broker), logBroker(logger));
}

function amqpOptions(broker: Extract<ResolvedBroker, { kind: 'amqp' }>): AmqpBrokerOptions {
  const { urls, tls, heartbeatMs, connectTimeoutMs, connectionName } = broker;
  return {
    ...AMQP_DEFAULTS,
    urls,
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    heartbeatSeconds: Math.round(heartbeatMs / 1000),
    connectTimeoutMs,
    connectionName,
  };
}

function tlsOptions({ ca, cert, key, passphrase, serverName, verify }: TlsSettings): AmqpTlsOptions {
  const pem = (text: string | Uint8Array): string | Buffer => (typeof text === 'string' ? text : Buffer.from(text));
  return {
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(cert === undefined ? {} : { cert: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(verify === undefined ? {} : { rejectUnauthorized: verify }),
  };
}

/** The driver takes a quarter of a second to load, so it is loaded only where there is a store. */
async function openStore(store: ResolvedStore): Promise<Store> {
  if (store.kind === 'instance') return store.store;
  const { MongoStore } = await import('../store/mongo/mongo-store.ts');
  const { url, timeoutMs, connectionsPerThread } = store;
  return new MongoStore({ url, writeTimeoutMs: timeoutMs, connectionsPerThread });
}
