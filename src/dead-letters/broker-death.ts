/** Where and why a broker gave a message up, read from the headers that RabbitMQ adds when it dead-letters. */
export interface BrokerDeath {
  /** The broker's own word: expired, rejected, delivery_limit, maxlen, … */
  readonly reason: string;
  readonly queue: string | undefined;
  readonly at: Date | undefined;
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  expired: 'its time to live ended before a worker took it',
  rejected: 'a consumer refused it for good (reject, or nack without requeue)',
  delivery_limit: 'it came back more often than its queue allows: workers died with it or gave it back',
  maxlen: 'its queue was full and dropped it',
};

/**
 * The latest death, undefined where the broker says nothing of one. RabbitMQ lists deaths newest first; a message that
 * waited in delay queues has older ones there, so the x-first-death-* headers are asked last.
 */
export function readBrokerDeath(headers: Readonly<Record<string, unknown>>): BrokerDeath | undefined {
  const deaths = headers['x-death'];
  const latest: unknown = Array.isArray(deaths) ? deaths[0] : undefined;
  if (isTable(latest)) {
    const { reason, queue, time } = latest;
    if (typeof reason === 'string') return { reason, queue: textOrNothing(queue), at: dateOf(time) };
  }
  for (const which of ['last', 'first']) {
    const reason = headers[`x-${which}-death-reason`];
    if (typeof reason !== 'string') continue;
    return { reason, queue: textOrNothing(headers[`x-${which}-death-queue`]), at: undefined };
  }
  return undefined;
}

/** One sentence for people, without a full stop. */
export function explainDeath({ reason, queue }: BrokerDeath): string {
  const where = queue === undefined ? '' : ` in queue '${queue}'`;
  return `the broker dead-lettered it${where}: ${EXPLANATIONS[reason] ?? reason}`;
}

/** A timestamp, or the seconds that it becomes when a client without timestamps publishes the headers again. */
function dateOf(time: unknown): Date | undefined {
  if (time instanceof Date) return time;
  return typeof time === 'number' && time > 0 ? new Date(time * 1000) : undefined;
}

function textOrNothing(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
