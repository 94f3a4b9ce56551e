import { nowMs } from './clock.ts';
import { Confirms } from './confirms.ts';
import { PublishBlock } from './publish-block.ts';
import type { PublishOrder } from './publish-order.ts';
import type { RawConnection } from './raw-amqp.ts';

/** So many publishers on one channel, each of which sends its next message only when its last one is confirmed. */
export class AwaitingLoad {
  readonly confirms: Confirms;
  readonly publishTimes: Float64Array;
  readonly dueTimes: Float64Array;
  readonly #connection: RawConnection;
  readonly #messages: number;
  readonly #publishers: number;
  readonly #block: PublishBlock;
  /** By tag: what the publisher of that message awaits. */
  readonly #waiting: ((() => void) | undefined)[];
  #next = 0;

  constructor(connection: RawConnection, order: PublishOrder, publishers: number) {
    this.#connection = connection;
    this.#messages = order.messages;
    this.#publishers = publishers;
    this.#block = new PublishBlock(order);
    this.publishTimes = new Float64Array(order.messages);
    this.dueTimes = this.publishTimes;
    this.#waiting = new Array<undefined>(order.messages + 1);
    this.confirms = new Confirms(order.messages, (tag) => {
      this.#waiting[tag]?.();
      this.#waiting[tag] = undefined;
    });
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#publishers }, () => this.#loop()));
  }

  async #loop(): Promise<void> {
    while (this.#next < this.#messages) await this.#publish(this.#next++);
  }

  #publish(index: number): Promise<void> {
    const bytes = Buffer.allocUnsafe(this.#block.length);
    this.#block.writeTo(bytes, 0, index);
    this.publishTimes[index] = nowMs();
    this.#connection.cork(); // those woken by the same confirm leave together
    this.#connection.write(bytes);
    return new Promise((resolve) => {
      this.#waiting[index + 1] = resolve;
    });
  }
}
