import { decodeProperties, encodeProperties, type MessageProperties } from '../../batch/message-properties.ts';

/** A message in a queue, or unacked with a consumer: bytes and what the queue has to know. */
export interface StoredMessage {
  /** Properties, then body. Shared by all queues that the message was routed to. */
  source: Buffer;
  propertiesEnd: number;
  readonly exchange: string;
  readonly routingKey: string;
  /** Place in its queue: what is given back goes before everything with a higher one. */
  position: number;
  /** How often it was given back; above 0 it is redelivered. */
  returns: number;
  /** When its time in the queue is over, on the clock of `performance.now()`. */
  expiresAt: number;
}

export type DeathReason = 'rejected' | 'expired' | 'maxlen' | 'delivery_limit';

/** Where a message died. */
export interface Death {
  readonly reason: DeathReason;
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
}

/** Sets the header with which quorum queues say how often a message came back. */
export function countDelivery(message: StoredMessage): void {
  const properties = decodeProperties(message.source, 0, message.propertiesEnd);
  properties.headers = { ...properties.headers, 'x-delivery-count': message.returns };
  const bytes = encodeProperties(properties);
  message.source = Buffer.concat([bytes, message.source.subarray(message.propertiesEnd)]);
  message.propertiesEnd = bytes.length;
}

/** The properties of a dead letter: as before, with the headers by which RabbitMQ tells where and why it died. */
export function deadLetterProperties(message: StoredMessage, death: Death): MessageProperties {
  const properties = decodeProperties(message.source, 0, message.propertiesEnd);
  const headers = { ...properties.headers };
  const earlier = Array.isArray(headers['x-death']) ? (headers['x-death'] as readonly unknown[]) : [];
  headers['x-death'] = withDeath(earlier, death);
  headers['x-first-death-exchange'] ??= death.exchange;
  headers['x-first-death-queue'] ??= death.queue;
  headers['x-first-death-reason'] ??= death.reason;
  return { ...properties, headers };
}

/**
 * True for a message that comes back to a queue it died in, and was never rejected since: RabbitMQ drops it, since it
 * would circle for ever. A message that is published again with its old x-death is taken for one.
 */
export function isCycle(queue: string, headers: MessageProperties['headers']): boolean {
  const deaths = Array.isArray(headers?.['x-death']) ? (headers['x-death'] as readonly Partial<Death>[]) : [];
  const last = deaths.findIndex((death) => death.queue === queue);
  return last >= 0 && deaths.slice(0, last + 1).every(({ reason }) => reason !== 'rejected');
}

/** Deaths by queue and reason, the latest first, each with its count. */
function withDeath(earlier: readonly unknown[], death: Death): readonly unknown[] {
  const same = (entry: unknown): boolean => {
    const { queue, reason } = entry as { queue?: unknown; reason?: unknown };
    return queue === death.queue && reason === death.reason;
  };
  const before = earlier.find(same) as { count?: unknown } | undefined;
  const latest = {
    count: (typeof before?.count === 'number' ? before.count : 0) + 1,
    reason: death.reason,
    queue: death.queue,
    time: new Date(),
    exchange: death.exchange,
    'routing-keys': [death.routingKey],
  };
  return [latest, ...earlier.filter((entry) => !same(entry))];
}
