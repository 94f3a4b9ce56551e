import { decodeProperties, type MessageProperties } from '../../src/batch/message-properties.ts';
import type { RawDelivery } from '../../src/batch/raw-delivery.ts';
import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts';
import { deadQueueName, queueTopology } from '../../src/broker/topology.ts';
import type { QueueOptions } from '../../src/delivery/delivery-options.ts';
import { createPipeline, type Pipeline } from '../../src/delivery/pipeline.ts';
import { RuntimeError } from '../../src/errors/runtime-error.ts';
import type { Store } from '../../src/store/store.ts';
import { SILENT_LOGGER } from '../../src/telemetry/logger.ts';
import { delayedCount } from './delayed-count.ts';
import { DELAY_PREFIX, deliveryOptions, queueOptions } from './delivery-options.ts';
import { ScriptedExecutor } from './scripted-executor.ts';
import { until } from './until.ts';

export const QUEUE = 'work';

/** A pipeline on a memory broker, with one queue. */
export interface Bench {
  readonly broker: MemoryBroker;
  readonly pipeline: Pipeline;
  readonly fatal: RuntimeError[];
  publish(bodies: readonly string[], queue?: string): Promise<void>;
  /** Another worker on the same broker. */
  again(executor: ScriptedExecutor): Pipeline;
  ready(queue?: string): Promise<number>;
  /** Messages that wait for a delay. */
  delayed(): Promise<number>;
  /** Takes what lies in the dead-letter queue. */
  deadLetters(): Promise<{ body: string; headers: Record<string, unknown>; properties: MessageProperties }[]>;
  stop(): Promise<void>;
}

export async function makeBench(
  executor: ScriptedExecutor,
  changes: { store?: Store; target?: number; queue?: Partial<QueueOptions> } = {},
): Promise<Bench> {
  const broker = new MemoryBroker();
  await broker.start();
  await broker.declare(queueTopology(QUEUE, 'quorum'));
  const publisher = await broker.publisher({ window: 1000 });
  const fatal: RuntimeError[] = [];
  const batch = { target: changes.target ?? 8, maxBytes: 1 << 18, maxAgeMs: 1 };
  const options = deliveryOptions([queueOptions(QUEUE, changes.queue)], { batch });
  const parts = {
    broker,
    executor,
    publisher,
    store: changes.store,
    logger: SILENT_LOGGER,
    fatal: (error: RuntimeError) => fatal.push(error),
  };
  const pipeline = createPipeline(parts, options);
  return {
    broker,
    pipeline,
    fatal,
    again: (other) => createPipeline({ ...parts, executor: other }, options),
    publish: async (bodies, queue = QUEUE) => {
      const send = (body: string): Promise<void> =>
        publisher.publish({
          exchange: '',
          routingKey: queue,
          properties: { type: 'scripted', messageId: body, deliveryMode: 2 },
          body: Buffer.from(body),
        });
      await Promise.all(bodies.map(send));
    },
    ready: (queue = QUEUE) => broker.readyCount(queue),
    delayed: () => delayedCount(broker, DELAY_PREFIX),
    deadLetters: () => takeAll(broker, deadQueueName(QUEUE)),
    stop: async () => {
      await pipeline.stop();
      await broker.stop();
    },
  };
}

async function takeAll(broker: MemoryBroker, queue: string): ReturnType<Bench['deadLetters']> {
  const taken: Awaited<ReturnType<Bench['deadLetters']>> = [];
  const expected = await broker.readyCount(queue);
  const sink = {
    epochOpened: (): void => {},
    deliver: (raw: RawDelivery): void => {
      const properties = decodeProperties(raw.source, raw.propertiesStart, raw.propertiesEnd);
      taken.push({
        body: raw.source.toString('utf8', raw.bodyStart, raw.bodyEnd),
        headers: properties.headers ?? {},
        properties,
      });
    },
    readEnded: (): void => {},
    epochClosed: (): void => {},
  };
  const consumer = await broker.consume({ queue, prefetch: 60_000 }, sink);
  await until('all dead letters are delivered', () => taken.length >= expected);
  await consumer.close();
  return taken;
}

export function bodies(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `m${n}`);
}

export function awayStore(failures: number): Store & { pings: number } {
  let left = failures;
  return {
    kind: 'scripted',
    pings: 0,
    start: async () => {},
    stop: async () => {},
    health: () => ({ state: 'away', server: undefined, reason: undefined }),
    async ping() {
      this.pings++;
      if (left-- > 0) throw new RuntimeError('E_STORE_UNREACHABLE', 'scripted: away');
    },
    writerSpec: () => ({ module: '', config: undefined }),
  };
}

/** Workers that die with what they were given, one after another. */
export async function dieHolding(bench: Bench, times: number): Promise<void> {
  for (let deaths = 0; deaths < times; deaths++) {
    const executor = new ScriptedExecutor(1, () => 'succeed');
    executor.hold();
    const worker = bench.again(executor);
    await worker.start();
    await until('it is delivered', () => worker.counters().received === 1);
    await worker.stop();
  }
}
