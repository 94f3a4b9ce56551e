import { setTimeout as wait } from 'node:timers/promises';
import { type Client, isRuntimeError } from '../../src/index.ts';
import { uuidV7 } from '../../src/support/uuid-v7.ts';

/** Messages on their way at once. */
const WINDOW = 200;
/** Refusals come back at once; without a pause the sender would spin while the fault lasts. */
const PACE_MS = 20;
const TRY_AGAIN = new Set([
  'E_PUBLISH_UNCONFIRMED',
  'E_PUBLISH_NACKED',
  'E_PUBLISH_UNROUTABLE',
  'E_BROKER_UNREACHABLE',
  'E_BROKER_QUEUE_MISSING',
]);

/** A producer as the guarantees ask for: what is not confirmed it sends again with the same id, until it is. */
export class FaultSender {
  /** Ids of what the broker has confirmed. */
  readonly confirmed: string[] = [];
  /** How often something had to be sent again, by the code of the error. */
  readonly again = new Map<string, number>();
  readonly #client: Client;
  readonly #queue: string;
  #flowing = false;

  constructor(client: Client, queue: string) {
    this.#client = client;
    this.#queue = queue;
  }

  /** Resolves with the ids when all are confirmed. */
  async sendAll(task: string, count: number, payload: (n: number) => unknown = (n) => ({ n })): Promise<string[]> {
    const ids: string[] = [];
    const sendNext = async (): Promise<void> => {
      while (ids.length < count) {
        const id = uuidV7();
        await this.#send(task, id, payload(ids.push(id) - 1));
      }
    };
    await Promise.all(Array.from({ length: WINDOW }, sendNext));
    return ids;
  }

  /** Sends without end; resolves after `stopFlow`, when what was begun is confirmed. */
  async flow(task: string, payload: (n: number) => unknown = (n) => ({ n })): Promise<void> {
    this.#flowing = true;
    let n = 0;
    const sendNext = async (): Promise<void> => {
      while (this.#flowing) await this.#send(task, uuidV7(), payload(n++));
    };
    await Promise.all(Array.from({ length: WINDOW }, sendNext));
  }

  stopFlow(): void {
    this.#flowing = false;
  }

  async #send(task: string, id: string, payload: unknown): Promise<void> {
    for (;;) {
      try {
        await this.#client.send(task, payload, { queue: this.#queue, id });
        this.confirmed.push(id);
        return;
      } catch (error) {
        const code = isRuntimeError(error) ? error.code : '';
        if (!TRY_AGAIN.has(code)) throw error;
        this.again.set(code, (this.again.get(code) ?? 0) + 1);
        await wait(PACE_MS);
      }
    }
  }
}
