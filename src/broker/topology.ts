/** Exchanges, queues and bindings as data: built here, declared by an adapter. */

export type QueueType = 'quorum' | 'classic';

export interface ExchangeSpec {
  readonly name: string;
  readonly type: 'direct' | 'topic' | 'fanout' | 'headers';
  /** The exchange that gets what this one has no queue for. */
  readonly alternate?: string;
}

export interface QueueSpec {
  readonly name: string;
  readonly arguments: Readonly<Record<string, string | number | boolean>>;
  /**
   * True for queues that people look into: a look returns each message, and a broker that counts returns gives it up
   * after 20 (RabbitMQ 4 for quorum queues) unless the queue is declared with another limit.
   */
  readonly keepsReturned?: boolean;
}

export interface BindingSpec {
  readonly exchange: string;
  readonly queue: string;
  readonly routingKey: string;
}

/** What comes to one exchange goes on to another. */
export interface ExchangeBindingSpec {
  readonly source: string;
  readonly destination: string;
  readonly routingKey: string;
}

/** Declared in the order exchanges, queues, bindings, bindings between exchanges. Everything is durable. */
export interface Topology {
  readonly exchanges: readonly ExchangeSpec[];
  readonly queues: readonly QueueSpec[];
  readonly bindings: readonly BindingSpec[];
  readonly exchangeBindings?: readonly ExchangeBindingSpec[];
}

/** The exchange behind every queue's dead letters: direct, keyed by the queue's name. */
export const DEAD_LETTER_EXCHANGE = 'millrace.dead';

/** Where a queue's dead letters go. */
export function deadQueueName(queue: string): string {
  return `${queue}.dead`;
}

/** Where messages go that a worker's process has died with three times: each runs there with no other beside it. */
export function suspectsQueueName(queue: string): string {
  return `${queue}.suspects`;
}

/**
 * The queue itself, its suspects and the dead letters of both:
 *
 *     <queue> ──────────┬─(rejected, expired, delivery limit)──▶ millrace.dead ──key <queue>──▶ <queue>.dead
 *     <queue>.suspects ─┘
 *
 * Quorum queues dead-letter at least once, which needs reject-publish (RabbitMQ docs, "at-least-once dead lettering").
 */
export function queueTopology(queue: string, type: QueueType): Topology {
  const dead = deadQueueName(queue);
  const deadLettering = { 'x-dead-letter-exchange': DEAD_LETTER_EXCHANGE, 'x-dead-letter-routing-key': queue };
  const atLeastOnce = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' };
  const work = { 'x-queue-type': type, ...deadLettering, ...(type === 'quorum' ? atLeastOnce : {}) };
  return {
    exchanges: [{ name: DEAD_LETTER_EXCHANGE, type: 'direct' }],
    queues: [
      { name: queue, arguments: work },
      { name: suspectsQueueName(queue), arguments: work },
      { name: dead, arguments: { 'x-queue-type': type }, keepsReturned: true },
    ],
    bindings: [{ exchange: DEAD_LETTER_EXCHANGE, queue: dead, routingKey: queue }],
  };
}

/** Several topologies as one, each thing once. */
export function mergeTopologies(topologies: readonly Topology[]): Topology {
  const byName = <T extends { readonly name: string }>(specs: readonly T[]): T[] => [
    ...new Map(specs.map((spec) => [spec.name, spec])).values(),
  ];
  const bindings = topologies.flatMap((topology) => topology.bindings);
  return {
    exchanges: byName(topologies.flatMap((topology) => topology.exchanges)),
    queues: byName(topologies.flatMap((topology) => topology.queues)),
    bindings: [...new Map(bindings.map((b) => [JSON.stringify([b.exchange, b.queue, b.routingKey]), b])).values()],
    exchangeBindings: topologies.flatMap((topology) => topology.exchangeBindings ?? []),
  };
}
