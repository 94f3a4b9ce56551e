import { setImmediate as turn } from 'node:timers/promises';
import { type ArrivalSchedule, dueMs } from './arrival-schedule.ts';
import { nowMs } from './clock.ts';
import { Confirms } from './confirms.ts';
import { PublishBlock } from './publish-block.ts';
import type { PublishOrder } from './publish-order.ts';
import type { RawConnection } from './raw-amqp.ts';

/** Messages handed to the socket at once when more are due, e.g. in a burst. */
const WRITE_MESSAGES = 250;
/** The first message is due so long after the start, ms. */
const HEAD_START_MS = 50;

/**
 * Sends each message when its schedule says so, whatever the broker or the consumer do meanwhile. What is overdue leaves
 * at once and keeps its due time, so that a stall shows in the latency of every message that it held up, and not only
 * in that of one (coordinated omission).
 *
 *     send what is due ─▶ one turn of the event loop: confirms are read ─▶ sleep until the next is due ─▶ …
 *
 * It sleeps in Atomics.wait, which wakes within a tenth of a millisecond where a timer of Node takes one to two; the
 * event loop stands still meanwhile, and nobody waits for it.
 */
export class PacedLoad {
  readonly confirms: Confirms;
  readonly publishTimes: Float64Array;
  readonly dueTimes: Float64Array;
  readonly #connection: RawConnection;
  readonly #schedule: ArrivalSchedule;
  readonly #messages: number;
  readonly #block: PublishBlock;
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));

  constructor(connection: RawConnection, order: PublishOrder, schedule: ArrivalSchedule) {
    this.#connection = connection;
    this.#schedule = schedule;
    this.#messages = order.messages;
    this.#block = new PublishBlock(order);
    this.publishTimes = new Float64Array(order.messages);
    this.dueTimes = new Float64Array(order.messages);
    this.confirms = new Confirms(order.messages);
  }

  async run(): Promise<void> {
    const start = nowMs() + HEAD_START_MS;
    for (let i = 0; i < this.#messages; i++) this.dueTimes[i] = start + dueMs(this.#schedule, i);
    for (let next = 0; next < this.#messages; ) {
      const early = (this.dueTimes[next] as number) - nowMs();
      if (early > 0) Atomics.wait(this.#sleeper, 0, 0, early);
      next += this.#sendDue(next);
      await this.#connection.drained();
      await turn();
    }
    await this.confirms.reached(this.#messages);
  }

  /** Hands over those from `first` on that are due; returns how many. */
  #sendDue(first: number): number {
    const now = nowMs();
    const most = Math.min(this.#messages - first, WRITE_MESSAGES);
    let count = 0;
    while (count < most && (this.dueTimes[first + count] as number) <= now) count++;
    if (count === 0) return 0;
    const bytes = Buffer.allocUnsafe(count * this.#block.length);
    for (let i = 0; i < count; i++) {
      this.#block.writeTo(bytes, i * this.#block.length, first + i);
      this.publishTimes[first + i] = now;
    }
    this.#connection.write(bytes);
    return count;
  }
}
