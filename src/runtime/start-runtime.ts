/**
 * The composition root: with its three neighbours (open-broker.ts, create-client.ts, embedded.ts) the only place that
 * names adapters. The boxes are in the order of the picture in docs/architecture.md.
 */
import type { RuntimeOptions } from '../config/options.ts';
import {
  type ResolvedLog,
  type ResolvedOptions,
  type ResolvedStore,
  resolveOptions,
} from '../config/resolve-options.ts';
import { createPipeline } from '../delivery/pipeline.ts';
import { ThreadExecutor } from '../executor/thread/thread-executor.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createPinoLogger } from '../telemetry/pino-logger.ts';
import { openBroker } from './open-broker.ts';
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
  if (resolved.signals) {
    const ignoreSignals = drainOnSignals(runtime, logger);
    runtime.stopped.then(ignoreSignals, ignoreSignals);
  }
  await runtime.start();
  return runtime;
}

async function assembleRuntime(options: ResolvedOptions, logger: Logger): Promise<WorkerRuntime> {
  const threads = new ThreadWatch(logger);
  const broker = await openBroker(options.broker, logger);
  const store = options.store === undefined ? undefined : await openStore(options.store);
  const { tasks, timeouts, threadLimits: limits } = options;
  const work = { tasks, threads: options.threads, store: store?.writerSpec(), timeouts, limits };
  const executor = new ThreadExecutor(work, threads);
  return new WorkerRuntime({ broker, store, executor, threads, logger, createPipeline }, options);
}

function openLogger(log: ResolvedLog): Logger {
  return log.kind === 'instance' ? log.logger : createPinoLogger(log.level);
}

/** The driver takes a quarter of a second to load, so it is loaded only where there is a store. */
async function openStore(store: ResolvedStore): Promise<Store> {
  if (store.kind === 'instance') return store.store;
  const { MongoStore } = await import('../store/mongo/mongo-store.ts');
  const { url, timeoutMs, connectionsPerThread, effectMemoryMs } = store;
  return new MongoStore({ url, writeTimeoutMs: timeoutMs, connectionsPerThread, effectMemoryMs });
}
