/** The only place of defaults: code, docs and command line all take them from here. One group per interface of options.ts. */
import { availableParallelism } from 'node:os';

export const DEFAULTS = {
  runtime: {
    broker: 'amqp://localhost',
    queues: ['default'],
    queueType: 'quorum',
    declare: true,
    prefetch: 'auto',
    signals: false,
  },
  broker: { heartbeat: '10s', connectTimeout: '10s', connectionName: 'millrace' },
  tls: { verify: true },
  store: { timeout: '20s', connectionsPerThread: 2, effectMemory: '168h' },
  queue: { weight: 1 },
  timeouts: { task: '15m', grace: '2s' },
  unknownTasks: { wait: '10s', limit: 60 },
  delays: { prefix: 'millrace.delay' },
  batching: { target: 'auto', maxBytes: '1MiB', maxAge: '5ms' },
  credit: { bytes: '64MiB' },
  shutdown: { grace: '25s' },
  log: { level: 'info' },
} as const;

/** One core is the main thread's. */
export function defaultThreads(): number {
  return Math.max(1, availableParallelism() - 1);
}

/** Returns of a message from consumers that were lost, counted by the broker, after which it is a suspect. */
export const SUSPECT_RETURNS = 3;

/** How often consumers that get nothing are looked at. */
export const WATCHDOG_MS = 30_000;

/** Follow-ups published and not yet confirmed at once. */
export const FOLLOW_UP_WINDOW = 1000;
