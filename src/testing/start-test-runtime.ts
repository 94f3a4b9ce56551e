import type { Broker } from '../broker/broker.ts';
import { delayMarker, delayTopology } from '../broker/delay-topology.ts';
import { deadQueueName, suspectsQueueName } from '../broker/topology.ts';
import type { Client } from '../client/client.ts';
import { DEFAULTS } from '../config/defaults.ts';
import type { RuntimeOptions } from '../config/options.ts';
import { createClient } from '../runtime/create-client.ts';
import { createEmbedded, type EmbeddedStore } from '../runtime/embedded.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { startRuntime } from '../runtime/start-runtime.ts';
import { type TakenMessage, takeMessages } from '../runtime/take-messages.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';

/**
 * As for `startRuntime`, but for broker and store, which are embedded. Unless told otherwise: one thread, no log, retries
 * without a delay worth waiting for (100 ms), and unknown tasks go to the dead letters at once.
 */
export type TestRuntimeOptions = Omit<RuntimeOptions, 'broker' | 'store' | 'signals'>;

/** A runtime, a client and a store in this process, for tests of task modules. */
export interface TestRuntime extends AsyncDisposable {
  readonly runtime: Runtime;
  readonly client: Client;
  /** What the tasks have stored. Readable after `stop` too. */
  readonly store: EmbeddedStore;
  /** Resolves when no message of the runtime's queues waits, for its turn or for a delay, or runs any more. */
  settled(): Promise<void>;
  /** Takes the dead letters of a queue. */
  takeDeadLetters(queue: string): Promise<readonly TakenMessage[]>;
  stop(): Promise<void>;
}

const TEST_DEFAULTS = {
  threads: 1,
  log: SILENT_LOGGER,
  retry: { delay: 0 },
  unknownTasks: { limit: 0 },
} as const satisfies Partial<TestRuntimeOptions>;

/**
 * Starts a runtime on an embedded broker and store: the same code as in production, threads included, and no server.
 *
 *     await using bench = await startTestRuntime({ tasks: new URL('./tasks.js', import.meta.url), queues: ['calls'] });
 *     await bench.client.send(recordCall, call, { queue: 'calls' });
 *     await bench.settled();
 *     assert.equal(bench.store.count('calls'), 1);
 */
export async function startTestRuntime(options: TestRuntimeOptions): Promise<TestRuntime> {
  const embedded = createEmbedded();
  const { store } = embedded;
  const [worker, sender, inspection] = [embedded.connect(), embedded.connect(), embedded.connect()];
  const stopParts = async (): Promise<void> => {
    await Promise.all([worker, sender, inspection, store].map((part) => part.stop()));
  };
  const runtime = await orElse(startRuntime({ ...TEST_DEFAULTS, ...options, broker: worker, store }), stopParts);
  await inspection.start();
  const client = await createClient({ broker: sender });
  const prefix = options.delays?.prefix ?? DEFAULTS.delays.prefix;
  const stop = async (): Promise<void> => {
    await client.close();
    await runtime.stop();
    await stopParts();
  };
  return {
    runtime,
    client,
    store,
    settled: async () => {
      while (runtime.stats().messagesHeld > 0 || (await anyReady(inspection, runtime, prefix))) await turn();
    },
    takeDeadLetters: (queue) => takeMessages(inspection, deadQueueName(queue)),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Cleans up when the work rejects. */
async function orElse<T>(work: Promise<T>, cleanUp: () => Promise<void>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

async function anyReady(broker: Broker, runtime: Runtime, delayPrefix: string): Promise<boolean> {
  const { queues } = runtime.status();
  const delays = (await broker.exchangeExists(delayMarker(delayPrefix).name)) ? delayTopology(delayPrefix).queues : [];
  const names = [...queues, ...queues.map(suspectsQueueName), ...delays.map((queue) => queue.name)];
  for (const name of names) if ((await broker.readyCount(name)) > 0) return true;
  return false;
}

/** Lets everything that is due run; a thread's answer comes in one of the next turns. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
