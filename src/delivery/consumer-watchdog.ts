import type { Broker, Consumer } from '../broker/broker.ts';
import { isRuntimeError } from '../errors/runtime-error.ts';
import type { Logger } from '../telemetry/logger.ts';

/** What the watchdog looks at of a queue's lane. */
export interface WatchedLane {
  readonly queue: { readonly name: string; readonly prefetch: number };
  readonly consumer: Consumer | undefined;
  /** Messages delivered so far, over all epochs. */
  readonly deliveries: number;
  /** Messages that are delivered and not settled. */
  readonly held: number;
}

export interface ConsumerWatchdogParts {
  readonly lanes: readonly WatchedLane[];
  readonly broker: Pick<Broker, 'readyCount'>;
  readonly logger: Logger;
  readonly intervalMs: number;
  /** True while it is us who read nothing. */
  readonly paused: () => boolean;
}

/** Looks in a row at which the queue had messages and the consumer got none. */
const LOOKS = 2;

/**
 * Makes a consumer anew that the broker no longer feeds while its queue has messages: a fault of the broker that nothing
 * on the connection shows, and that otherwise lasts until somebody wonders. A consumer that holds messages is not looked
 * at: it has something to do.
 *
 * Cost: one passive declaration every interval for each idle queue.
 */
export class ConsumerWatchdog {
  readonly #parts: ConsumerWatchdogParts;
  readonly #seen = new Map<WatchedLane, { deliveries: number; hungry: number }>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** Consumers made anew. */
  recreated = 0;

  constructor(parts: ConsumerWatchdogParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** One look at every lane. Never rejects. */
  async look(): Promise<void> {
    for (const lane of this.#parts.lanes) await this.#lookAt(lane);
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.look().then(() => this.#later()), this.#parts.intervalMs).unref();
  }

  async #lookAt(lane: WatchedLane): Promise<void> {
    const { consumer, deliveries } = lane;
    const before = this.#seen.get(lane);
    const idle = consumer !== undefined && consumer.epoch !== 0 && lane.held === 0 && !this.#parts.paused();
    if (!idle || before?.deliveries !== deliveries) {
      this.#seen.set(lane, { deliveries, hungry: 0 });
      return;
    }
    before.hungry = (await this.#ready(lane)) > 0 ? before.hungry + 1 : 0;
    if (before.hungry < LOOKS || lane.deliveries !== deliveries || this.#stopped) return;
    before.hungry = 0;
    this.recreated++;
    const { name, prefetch } = lane.queue;
    this.#parts.logger.warn(
      { queue: name },
      `queue '${name}' has messages and its consumer gets none: it is made anew`,
    );
    try {
      await consumer.resize(prefetch);
    } catch (error) {
      this.#parts.logger.warn(
        { queue: name, error },
        `the consumer of '${name}' could not be made anew; it is looked at again`,
      );
    }
  }

  async #ready({ queue }: WatchedLane): Promise<number> {
    try {
      return await this.#parts.broker.readyCount(queue.name);
    } catch (error) {
      const code = isRuntimeError(error) ? error.code : undefined;
      this.#parts.logger.debug({ queue: queue.name, code, error }, 'the watchdog cannot ask for the length of a queue');
      return 0;
    }
  }
}
