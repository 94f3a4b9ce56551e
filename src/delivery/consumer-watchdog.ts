import type { Broker, Consumer } from '../broker/broker.ts';
import { isRuntimeError } from '../errors/runtime-error.ts';
import type { Logger } from '../telemetry/logger.ts';

/** What the watchdog looks at of a queue's lane. */
export interface WatchedLane {
  readonly queue: { readonly name: string };
  readonly prefetch: { readonly current: number };
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
const FEWEST_LOOKS = 2;
/** At most so many, for a consumer that gets nothing however often it is made anew. */
const MOST_LOOKS = 64;

interface Observation {
  /** As last looked; others since then mean that the consumer is fed. */
  deliveries: number;
  /** Looks in a row that found messages which do not come. */
  hungry: number;
  /** Hungry looks after which the consumer is made anew. */
  patience: number;
  /** It is being made anew. */
  busy: boolean;
}

/**
 * Makes a consumer anew that the broker no longer feeds while its queue has messages: a fault of the broker that nothing
 * on the connection shows, and that otherwise lasts until somebody wonders. A consumer that holds messages is not looked
 * at: it has something to do. One to which the same happens again is given twice the time each time, because there are
 * good reasons to get nothing (a single active consumer elsewhere, one with a higher priority).
 *
 * Cost: one passive declaration every interval for each idle queue.
 */
export class ConsumerWatchdog {
  readonly #parts: ConsumerWatchdogParts;
  readonly #seen = new Map<WatchedLane, Observation>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #recreated = 0;

  constructor(parts: ConsumerWatchdogParts) {
    this.#parts = parts;
  }

  /** Consumers made anew. */
  get recreated(): number {
    return this.#recreated;
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.look().finally(() => this.start()), this.#parts.intervalMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** One look at every lane. Never rejects. */
  async look(): Promise<void> {
    for (const lane of this.#parts.lanes) {
      if (this.#stopped) return;
      await this.#lookAt(lane);
    }
  }

  async #lookAt(lane: WatchedLane): Promise<void> {
    const seen = this.#observationOf(lane);
    if (seen.busy) return;
    const { consumer } = lane;
    const epoch = consumer?.epoch ?? 0;
    if (lane.deliveries !== seen.deliveries) {
      seen.deliveries = lane.deliveries;
      seen.hungry = 0;
      seen.patience = FEWEST_LOOKS;
      return;
    }
    if (consumer === undefined || epoch === 0 || !this.#isIdle(lane)) {
      seen.hungry = 0;
      return;
    }
    const ready = await this.#ready(lane);
    if (ready === undefined) return;
    const unchanged = consumer.epoch === epoch && lane.deliveries === seen.deliveries && this.#isIdle(lane);
    seen.hungry = unchanged && ready > 0 ? seen.hungry + 1 : 0;
    if (seen.hungry < seen.patience || this.#stopped) return;
    seen.hungry = 0;
    seen.patience = Math.min(2 * seen.patience, MOST_LOOKS);
    // Not awaited: where the broker does not answer on this channel, the other queues are to be looked at all the same.
    void this.#remake(lane, consumer, seen);
  }

  #isIdle(lane: WatchedLane): boolean {
    return lane.held === 0 && !this.#parts.paused();
  }

  async #remake({ queue, prefetch }: WatchedLane, consumer: Consumer, seen: Observation): Promise<void> {
    const { name } = queue;
    const { logger } = this.#parts;
    seen.busy = true;
    this.#recreated++;
    logger.warn({ queue: name }, `queue '${name}' has messages and its consumer gets none: it is made anew`);
    try {
      await consumer.resize(prefetch.current);
    } catch (error) {
      logger.warn({ queue: name, error }, `the consumer of '${name}' could not be made anew; it is looked at again`);
    }
    seen.busy = false;
  }

  /** Undefined where the broker does not say: then this look does not count. */
  async #ready({ queue }: WatchedLane): Promise<number | undefined> {
    try {
      return await this.#parts.broker.readyCount(queue.name);
    } catch (error) {
      const code = isRuntimeError(error) ? error.code : undefined;
      this.#parts.logger.debug({ queue: queue.name, code, error }, 'the watchdog cannot ask for the length of a queue');
      return undefined;
    }
  }

  #observationOf(lane: WatchedLane): Observation {
    const known = this.#seen.get(lane);
    if (known !== undefined) return known;
    // -1: the first look only takes note.
    const seen = { deliveries: -1, hungry: 0, patience: FEWEST_LOOKS, busy: false };
    this.#seen.set(lane, seen);
    return seen;
  }
}
