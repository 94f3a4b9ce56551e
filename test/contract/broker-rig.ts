import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { MessageProperties } from '../../src/batch/message-properties.ts';
import type { Broker, BrokerListener, Consumer, OutgoingMessage, Publisher } from '../../src/broker/broker.ts';
import type { QueueSpec, Topology } from '../../src/broker/topology.ts';
import type { ErrorCode } from '../../src/errors/codes.ts';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { RecordingSink } from '../support/recording-sink.ts';

/** One virtual host with as many connections as a test wants, and what an operator or a network can do to them. */
export interface BrokerRig {
  /** A broker that has not been started. */
  make(listener?: BrokerListener): Promise<Broker>;
  /** Cuts the connection of a broker of this rig; the way back is open. */
  breakConnection(broker: Broker): void;
  /** Deletes a queue behind everyone's back. */
  deleteQueue(queue: string): Promise<void>;
  /** Makes the broker block the connection's publishers; undefined where that would harm others on the server. */
  readonly blocking: { block(broker: Broker, reason: string): void; unblock(broker: Broker): void } | undefined;
  /** Removes the queues and exchanges that a test declared, and whatever else the rig made. */
  dispose(queues: readonly string[], exchanges: readonly string[]): Promise<void>;
}

/** What one test works with: names of its own, and everything it made taken down again. */
export class BrokerTrial {
  readonly rig: BrokerRig;
  readonly #brokers: Broker[] = [];
  readonly #queues = new Set<string>();
  readonly #exchanges = new Set<string>();

  constructor(rig: BrokerRig) {
    this.rig = rig;
  }

  async connect(listener?: BrokerListener): Promise<Broker> {
    const broker = await this.make(listener);
    await broker.start();
    return broker;
  }

  async make(listener?: BrokerListener): Promise<Broker> {
    const broker = await this.rig.make(listener);
    this.#brokers.push(broker);
    return broker;
  }

  name(kind: string): string {
    return `contract.${kind}.${randomUUID()}`;
  }

  async declare(broker: Broker, topology: Partial<Topology>): Promise<void> {
    for (const { name } of topology.queues ?? []) this.#queues.add(name);
    for (const { name } of topology.exchanges ?? []) this.#exchanges.add(name);
    await broker.declare({ exchanges: [], queues: [], bindings: [], ...topology });
  }

  /** A queue of this test, classic unless told otherwise: its counts are exact at once. */
  async queue(broker: Broker, args: QueueSpec['arguments'] = {}): Promise<string> {
    const name = this.name('queue');
    await this.declare(broker, { queues: [{ name, arguments: { 'x-queue-type': 'classic', ...args } }] });
    return name;
  }

  async end(): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.stop()));
    await this.rig.dispose([...this.#queues], [...this.#exchanges]);
  }
}

export function toQueue(queue: string, body: string | Uint8Array, properties: MessageProperties = {}): OutgoingMessage {
  return {
    exchange: '',
    routingKey: queue,
    properties: { deliveryMode: 2, ...properties },
    body: typeof body === 'string' ? Buffer.from(body) : body,
  };
}

/** Publishes bodies '0', '1', … and waits for their confirms. */
export async function fill(broker: Broker, queue: string, count: number, from = 0): Promise<void> {
  const publisher = await broker.publisher({ window: 500 });
  await publishNumbers(publisher, queue, count, from);
  await publisher.close();
}

export async function publishNumbers(publisher: Publisher, queue: string, count: number, from = 0): Promise<void> {
  await Promise.all(numbers(count, from).map((number) => publisher.publish(toQueue(queue, number))));
}

export function numbers(count: number, from = 0): readonly string[] {
  return Array.from({ length: count }, (_, index) => String(from + index));
}

/** A consumer and what it received. */
export async function consume(
  broker: Broker,
  queue: string,
  prefetch: number,
): Promise<{ readonly consumer: Consumer; readonly sink: RecordingSink }> {
  const sink = new RecordingSink();
  return { consumer: await broker.consume({ queue, prefetch }, sink), sink };
}

/**
 * Everything that could have arrived by now has: a message published after the question was asked has gone to the
 * broker and come back, twice, on a queue of its own. The only way to see that something does NOT happen without
 * waiting for time to pass.
 */
export async function roundTrip(trial: BrokerTrial, broker: Broker): Promise<void> {
  const queue = await trial.queue(broker);
  const { consumer, sink } = await consume(broker, queue, 10);
  for (let turn = 1; turn <= 2; turn++) {
    await fill(broker, queue, 1);
    await sink.received(turn);
  }
  await consumer.close();
}

export async function rejectsWith(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(isRuntimeError(error, code), `expected ${code}, got ${String(error)}`);
    return true;
  });
}

/** Settles like the promise, as data: 'confirmed' or the error's code. */
export function settled(promise: Promise<void>): Promise<string> {
  return promise.then(
    () => 'confirmed',
    (error: unknown) => (isRuntimeError(error) ? error.code : `no code: ${String(error)}`),
  );
}
