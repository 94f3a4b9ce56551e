import { setTimeout as wait } from 'node:timers/promises';
import type { SeededRandom } from '../../test/support/fault-seed.ts';
import type { TcpProxy } from '../../test/support/tcp-proxy.ts';
import type { MongoServer } from '../services/mongo-server.ts';
import { fetchManagement } from '../services/rabbitmq-probe.ts';
import type { RabbitServer } from '../services/rabbitmq-server.ts';
import type { Producer } from './producer.ts';
import type { WorkerCrew } from './worker-crew.ts';

/** The queue that the messages go to, and one that a fault deletes. */
export const QUEUE = 'soak';
export const SPARE_QUEUE = 'soak-spare';

/** All that faults happen to. */
export interface SoakRig {
  readonly rabbit: RabbitServer;
  readonly mongo: MongoServer;
  /** Between workers and broker, between workers and store, between producer and broker. */
  readonly workerLink: TcpProxy;
  readonly storeLink: TcpProxy;
  readonly producerLink: TcpProxy;
  readonly crew: WorkerCrew;
  readonly producer: Producer;
  readonly random: SeededRandom;
}

/** A foreign server announces nothing: it is asked this often. */
const LOOK_MS = 100;

/** Waits until a condition holds that has to be asked for. */
export async function lookUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await wait(LOOK_MS);
  }
}

/** An answer of the broker's management API. */
export async function manage<T>({ rabbit }: SoakRig, path: string, method = 'GET'): Promise<T> {
  const response = await fetchManagement(rabbit.managementUrl, rabbit.amqpUrl, path, { method });
  if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status}`);
  return (method === 'GET' ? await response.json() : undefined) as T;
}
