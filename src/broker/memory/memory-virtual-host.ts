import { shortStringBytes } from '../../batch/field-table.ts';
import { type MessageProperties, propertiesBytes, writeProperties } from '../../batch/message-properties.ts';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { OutgoingMessage } from '../broker.ts';
import type { ExchangeSpec, QueueSpec, Topology } from '../topology.ts';
import { MemoryExchange } from './memory-exchange.ts';
import { MemoryQueue } from './memory-queue.ts';
import { type DeathReason, deadLetterProperties, isCycle, type StoredMessage } from './stored-message.ts';

/** Where a published message ended up. */
export type PublishResult = 'stored' | 'refused' | 'unroutable' | 'no-exchange';

/** Told when a queue is there again, or is not. */
export interface QueueWatcher {
  queueDeleted(): void;
  queueDeclared(): void;
}

const PREDECLARED: readonly ExchangeSpec[] = [
  { name: 'amq.direct', type: 'direct' },
  { name: 'amq.fanout', type: 'fanout' },
  { name: 'amq.topic', type: 'topic' },
  { name: 'amq.headers', type: 'headers' },
];

/**
 * Queues, exchanges and messages that live in this process: what a RabbitMQ node keeps for a virtual host.
 * Every MemoryBroker that is given the same one is a connection to it.
 *
 * Of the queue arguments these are honoured: x-queue-type, x-max-length, x-overflow, x-message-ttl,
 * x-dead-letter-exchange, x-dead-letter-routing-key, x-delivery-limit. Others are kept and have no effect: a dead letter
 * that no queue takes is gone. Nothing outlives the process.
 *
 * Time passes for the queues with a time to live while somebody is connected; what has expired meanwhile goes on at the
 * next connection.
 */
export class MemoryVirtualHost {
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #exchanges = new Map<string, MemoryExchange>(
    PREDECLARED.map((spec) => [spec.name, new MemoryExchange(spec)] as const),
  );
  readonly #watchers = new Map<string, Set<QueueWatcher>>();
  readonly #connections = new Set<object>();

  /** Until the last one detaches, messages that wait for their time keep the process alive. */
  attach(connection: object): void {
    this.#connections.add(connection);
    for (const queue of this.#queues.values()) queue.setTimed(true);
  }

  detach(connection: object): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) for (const queue of this.#queues.values()) queue.setTimed(false);
  }

  declare(topology: Topology): void {
    for (const spec of topology.exchanges) this.#declareExchange(spec);
    for (const spec of topology.queues) this.#declareQueue(spec);
    for (const { exchange, queue, routingKey } of topology.bindings) {
      this.queue(queue);
      this.#exchange(exchange, `to bind queue '${queue}' to`).bindQueue(queue, routingKey);
    }
    for (const { source, destination, routingKey } of topology.exchangeBindings ?? []) {
      this.#exchange(destination, `to bind to exchange '${source}'`);
      this.#exchange(source, `to bind exchange '${destination}' to`).bindExchange(destination, routingKey);
    }
  }

  /** The queue, or E_BROKER_QUEUE_MISSING. */
  queue(name: string): MemoryQueue {
    const queue = this.#queues.get(name);
    if (queue !== undefined) return queue;
    throw new RuntimeError('E_BROKER_QUEUE_MISSING', `no queue '${name}': declare it first`, {
      details: { queue: name },
    });
  }

  hasExchange(name: string): boolean {
    return this.#exchanges.has(name);
  }

  hasQueue(name: string): boolean {
    return this.#queues.has(name);
  }

  /** Deletes the queue with all its messages; its consumers are cancelled. */
  deleteQueue(name: string): void {
    this.queue(name).setTimed(false);
    this.#queues.delete(name);
    for (const exchange of this.#exchanges.values()) exchange.unbindQueue(name);
    for (const watcher of [...(this.#watchers.get(name) ?? [])]) watcher.queueDeleted();
  }

  watch(queue: string, watcher: QueueWatcher): void {
    const watchers = this.#watchers.get(queue);
    if (watchers === undefined) this.#watchers.set(queue, new Set([watcher]));
    else watchers.add(watcher);
  }

  unwatch(queue: string, watcher: QueueWatcher): void {
    const watchers = this.#watchers.get(queue);
    if (watchers?.delete(watcher) && watchers.size === 0) this.#watchers.delete(queue);
  }

  /** Routes a copy of the message. Throws E_MESSAGE_MALFORMED for properties that AMQP cannot carry. */
  publish(message: OutgoingMessage): PublishResult {
    const { exchange, routingKey, properties } = message;
    const propertiesEnd = propertiesBytes(properties);
    const queues = this.#route(exchange, routingKey);
    if (exchange !== '' || queues?.length === 0) shortStringBytes(routingKey, 'routing key');
    if (queues === undefined) return 'no-exchange';
    if (queues.length === 0) return 'unroutable';
    if (!queues.every((queue) => queue.accepts())) return 'refused';
    store(message, propertiesEnd, queues);
    return 'stored';
  }

  /** Undefined where there is no such exchange. */
  #route(exchange: string, routingKey: string): readonly MemoryQueue[] | undefined {
    if (exchange !== '' && !this.#exchanges.has(exchange)) return undefined;
    const queues = exchange === '' ? [routingKey] : this.#queuesBehind(exchange, routingKey);
    const found: MemoryQueue[] = [];
    for (const name of queues) {
      const queue = this.#queues.get(name);
      if (queue !== undefined) found.push(queue);
    }
    return found;
  }

  /** Each exchange is looked at once, so that exchanges bound in a circle end. */
  #queuesBehind(exchange: string, routingKey: string): Set<string> {
    const targets = { queues: new Set<string>(), exchanges: new Set([exchange]) };
    for (const name of targets.exchanges) {
      const source = this.#exchanges.get(name);
      if (source === undefined || source.route(routingKey, targets)) continue;
      if (source.spec.alternate !== undefined) targets.exchanges.add(source.spec.alternate);
    }
    return targets.queues;
  }

  readonly #deadLetter = (message: StoredMessage, reason: DeathReason, queue: MemoryQueue): void => {
    const exchange = queue.spec.arguments['x-dead-letter-exchange'];
    if (typeof exchange !== 'string') return;
    const key = queue.spec.arguments['x-dead-letter-routing-key'];
    const { exchange: from, routingKey } = message;
    const properties = deadLetterProperties(message, { reason, queue: queue.name, exchange: from, routingKey });
    const body = message.source.subarray(message.propertiesEnd);
    const letter = { exchange, routingKey: typeof key === 'string' ? key : routingKey, properties, body };
    const queues = this.#route(exchange, letter.routingKey) ?? [];
    const onward = queues.filter((target) => reason === 'rejected' || !isCycle(target.name, properties.headers));
    if (onward.every((target) => target.accepts())) store(letter, propertiesBytes(properties), onward);
  };

  #exchange(name: string, why: string): MemoryExchange {
    const exchange = this.#exchanges.get(name);
    if (exchange !== undefined) return exchange;
    throw new RuntimeError('E_BROKER_TOPOLOGY', `no exchange '${name}' ${why}: declare it`, {
      details: { exchange: name },
    });
  }

  #declareExchange(spec: ExchangeSpec): void {
    const existing = this.#exchanges.get(spec.name);
    if (existing === undefined) {
      this.#exchanges.set(spec.name, new MemoryExchange(spec));
    } else if (existing.spec.type !== spec.type) {
      throw new RuntimeError(
        'E_BROKER_TOPOLOGY',
        `exchange '${spec.name}' is of type ${existing.spec.type}, expected ${spec.type}: delete it or use another name`,
        { details: { exchange: spec.name, got: existing.spec.type, expected: spec.type } },
      );
    }
  }

  /** A queue that exists stays as it is, whatever its arguments. */
  #declareQueue(spec: QueueSpec): void {
    if (this.#queues.has(spec.name)) return;
    const queue = new MemoryQueue(spec, this.#deadLetter);
    queue.setTimed(this.#connections.size > 0);
    this.#queues.set(spec.name, queue);
    for (const watcher of [...(this.#watchers.get(spec.name) ?? [])]) watcher.queueDeclared();
  }
}

export function createMemoryVirtualHost(): MemoryVirtualHost {
  return new MemoryVirtualHost();
}

/** Puts a copy of the message, one for all of them, into the queues. */
function store(message: OutgoingMessage, propertiesEnd: number, queues: readonly MemoryQueue[]): void {
  const { exchange, routingKey, properties, body } = message;
  const source = join(properties, propertiesEnd, body);
  for (const queue of queues) {
    queue.enqueue({
      source,
      propertiesEnd,
      exchange,
      routingKey,
      position: 0,
      returns: 0,
      expiresAt: Number.POSITIVE_INFINITY,
    });
  }
}

function join(properties: MessageProperties, propertiesEnd: number, body: Uint8Array): Buffer {
  const source = Buffer.allocUnsafe(propertiesEnd + body.length);
  writeProperties(source, 0, properties);
  source.set(body, propertiesEnd);
  return source;
}
