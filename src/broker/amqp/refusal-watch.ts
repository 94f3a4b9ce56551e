import type { OutgoingMessage } from '../broker.ts';

/**
 * Watches for destinations that refuse everything for a while.
 *
 * A channel whose first message for a quorum queue met no leader (a node just died) is refused by RabbitMQ 3.10 until
 * that node is back, each message after seconds where the node stands still, though another one leads by then, while a
 * new channel is served at once. A full queue goes on to refuse.
 */
export class RefusalWatch {
  readonly patienceMs: number;
  /** Since when, in ms, each destination has refused everything. */
  readonly #since = new Map<string, number>();

  constructor(patienceMs: number) {
    this.patienceMs = patienceMs;
  }

  accepted(message: OutgoingMessage): void {
    if (this.#since.size > 0) this.#since.delete(destination(message));
  }

  /** @returns whether the patience with its destination is at an end */
  refused(message: OutgoingMessage): boolean {
    const to = destination(message);
    const now = performance.now();
    const since = this.#since.get(to);
    if (since === undefined) this.#since.set(to, now);
    return since !== undefined && now - since > this.patienceMs;
  }

  clear(): void {
    this.#since.clear();
  }
}

function destination({ exchange, routingKey }: OutgoingMessage): string {
  return `${exchange} ${routingKey}`;
}
