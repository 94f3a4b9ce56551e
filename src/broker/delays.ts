import { isRuntimeError } from '../errors/runtime-error.ts';
import type { Address, Broker } from './broker.ts';
import { delayBinding, delayMarker, delayRoute, delayTopology } from './delay-topology.ts';

/**
 * Delays on one virtual host: declares the levels and the way from them to each queue when first needed, and tells
 * where to publish. Workers and clients with the same prefix share one set of levels.
 *
 * Cost: the first use on a virtual host declares 28 exchanges, 25 queues and 325 bindings, which takes a second or two;
 * every later process asks once whether they are there, and declares one binding a queue.
 */
export class Delays {
  readonly #broker: Pick<Broker, 'declare' | 'exchangeExists'>;
  readonly #prefix: string;
  readonly #queues = new Map<string, Promise<void>>();
  #levels: Promise<void> | undefined;
  /** False after a level turned out to be gone: then the marker says nothing, and all is declared again. */
  #markerTrusted = true;
  #renewing = false;

  constructor(broker: Pick<Broker, 'declare' | 'exchangeExists'>, prefix: string) {
    this.#broker = broker;
    this.#prefix = prefix;
  }

  /** Resolves when delayed messages can reach the queue, which must exist. A failure is tried again at the next call. */
  ready(queue: string): Promise<void> {
    let ready = this.#queues.get(queue);
    if (ready === undefined) {
      const binding = this.#bind(queue);
      this.#queues.set(queue, binding);
      binding.catch(() => {
        if (this.#queues.get(queue) === binding) this.#queues.delete(queue);
      });
      ready = binding;
    }
    return ready;
  }

  /**
   * Where to publish so that the message reaches `queue` after the delay: rounded up to 100 ms, at least 100 ms.
   * Throws E_OPTION_RANGE for delays longer than 19.4 days. Call `ready` first.
   */
  route(queue: string, delayMs: number): Address {
    return delayRoute(this.#prefix, queue, delayMs);
  }

  /**
   * To be called when a delayed message met E_PUBLISH_UNROUTABLE: the next `ready` declares everything again. While that
   * is going on it changes nothing: the message was sent before.
   * @param queue - where this queue alone is known to have been deleted, only the way to it is declared again
   */
  forget(queue?: string): void {
    if (queue !== undefined) {
      this.#queues.delete(queue);
    } else if (!this.#renewing) {
      this.#queues.clear();
      this.#levels = undefined;
      this.#markerTrusted = false;
    }
  }

  async #bind(queue: string): Promise<void> {
    this.#levels ??= this.#declareLevels();
    const levels = this.#levels;
    try {
      await levels;
    } catch (error) {
      if (this.#levels === levels) this.#levels = undefined;
      throw error;
    }
    await this.#broker.declare(delayBinding(this.#prefix, queue));
  }

  async #declareLevels(): Promise<void> {
    const marker = delayMarker(this.#prefix);
    if (this.#markerTrusted && (await this.#broker.exchangeExists(marker.name))) return;
    this.#renewing = !this.#markerTrusted;
    try {
      await this.#broker.declare(delayTopology(this.#prefix));
      await this.#broker.declare(marker); // last: who finds it may rely on all the others
      this.#markerTrusted = true;
    } finally {
      this.#renewing = false;
    }
  }
}

/**
 * True for what a delayed message ends with when a part of the levels is gone: it is returned, or, where the exchange
 * itself is gone, its channel closes before anything is confirmed. Not for a connection that was just lost: declaring
 * everything again is the last thing that a broker needs which has just come back.
 */
export function isNotThere(error: unknown): boolean {
  if (isRuntimeError(error, 'E_PUBLISH_UNROUTABLE')) return true;
  return isRuntimeError(error, 'E_PUBLISH_UNCONFIRMED') && error.message.includes('NOT_FOUND');
}
