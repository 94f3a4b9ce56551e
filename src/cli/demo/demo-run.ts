import type { DeliveryCounters } from '../../delivery/delivery-counters.ts';
import { RuntimeError } from '../../errors/runtime-error.ts';
import { createClient } from '../../runtime/create-client.ts';
import type { Runtime, RuntimeStats } from '../../runtime/runtime.ts';
import { startRuntime } from '../../runtime/start-runtime.ts';
import { type Logger, SILENT_LOGGER } from '../../telemetry/logger.ts';
import { createPinoLogger } from '../../telemetry/pino-logger.ts';
import { generateCall, INVALID_CALL, type RawCall } from './call-record.ts';
import { recordCall } from './call-tasks.ts';
import type { DemoServices } from './demo-services.ts';
import { judgeIds, type LedgerVerdict } from './id-ledger.ts';

export interface DemoSettings {
  readonly messages: number;
  readonly threads: number | undefined;
  readonly seed: number;
}

/** Told how far a phase is. */
export interface DemoProgress {
  filling(done: number): void;
  filled(): void;
  draining(done: number): void;
  drained(): void;
}

export interface DemoResult {
  readonly stats: RuntimeStats;
  /** From the start of consuming to the last ack. */
  readonly seconds: number;
  /** CPU of this process in that time, all threads together. */
  readonly cpuMicrosPerMessage: number;
  readonly ledger: LedgerVerdict;
}

const SEND_AT_ONCE = 5_000;
const LOOK_EVERY_MS = 25;
/** Without a single message done in this time something is broken. */
const STALL_LIMIT_MS = 60_000;

/** Fills the queue, drains it while timing, stops the runtime, and compares the ids. */
export async function runDemo(
  settings: DemoSettings,
  services: DemoServices,
  progress: DemoProgress,
): Promise<DemoResult> {
  const confirmed = await fill(settings, services, progress);
  const runtime = await startRuntime({
    ...services.runtimeOptions,
    tasks: new URL(`./call-tasks${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url),
    queues: [services.queue],
    ...(settings.threads === undefined ? {} : { threads: settings.threads }),
    log: quietLogger(),
  });
  try {
    const startedAt = performance.now();
    const cpu = process.cpuUsage();
    await drain(runtime, confirmed.size, progress);
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    await runtime.stop();
    const stats = runtime.stats();
    const ledger = judgeIds(confirmed, await services.storedIds(), await services.deadIds());
    return { stats, seconds, cpuMicrosPerMessage: (user + system) / confirmed.size, ledger };
  } finally {
    await runtime.stop();
  }
}

async function fill(
  settings: DemoSettings,
  services: DemoServices,
  progress: DemoProgress,
): Promise<ReadonlySet<string>> {
  const { messages, seed } = settings;
  const confirmed = new Set<string>();
  const client = await createClient({ broker: services.clientBroker });
  try {
    for (let from = 0; from < messages; from += SEND_AT_ONCE) {
      const count = Math.min(SEND_AT_ONCE, messages - from);
      const calls = Array.from({ length: count }, (_, index): RawCall => generateCall(seed, from + index));
      for (const id of await client.sendMany(recordCall, calls, { queue: services.queue })) confirmed.add(id);
      progress.filling(confirmed.size);
    }
  } finally {
    await client.close();
  }
  progress.filled();
  return confirmed;
}

async function drain(runtime: Runtime, messages: number, progress: DemoProgress): Promise<void> {
  let failure: unknown;
  let failed = false;
  runtime.stopped.catch((error: unknown) => {
    failure = error;
    failed = true;
  });
  let done = 0;
  let movedAt = performance.now();
  while (done < messages) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    if (failed) throw failure;
    const before = done;
    done = settled(runtime.stats());
    if (done !== before) movedAt = performance.now();
    else if (performance.now() - movedAt > STALL_LIMIT_MS) throw stalled(done, messages);
    progress.draining(done);
  }
  progress.drained();
}

/** Redelivered ones are settled twice, which the ledger finds out; here it is only about when to stop. */
function settled({ acked }: DeliveryCounters): number {
  return acked;
}

function stalled(done: number, messages: number): RuntimeError {
  return new RuntimeError(
    'E_STATE',
    `nothing was done for ${STALL_LIMIT_MS / 1000} s, at ${done} of ${messages} messages`,
  );
}

/** Errors only, and not those of the records that are invalid on purpose. */
function quietLogger(): Logger {
  const logger = createPinoLogger('error');
  const isMeant = (fields: object): boolean => 'code' in fields && fields.code === INVALID_CALL;
  return {
    ...SILENT_LOGGER,
    error: (fields, message) => (isMeant(fields) ? undefined : logger.error(fields, message)),
  };
}
