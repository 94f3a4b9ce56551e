import type { Broker, Consumer, DeliverySink, RawDelivery } from '../broker/broker.ts';
import type { RuntimeError } from '../errors/runtime-error.ts';

/** The scan that a window belongs to. */
export interface WindowOwner {
  take(window: ScanWindow, delivery: RawDelivery): void;
  readEnded(): void;
  /** The broker ended it before we did. */
  lost(reason: RuntimeError | undefined): void;
}

const FLUSH_AFTER_MS = 10;

/**
 * One consumer of a scan, in its first epoch; a second one would bring again what the first had.
 *
 *     tag   1  2  3  4  5  6  7        one ack of many up to 3; then 5 and 7 each by itself,
 *           ✓  ✓  ✓  k  ✓  k  ✓        because an ack of many would take the kept ones along
 *
 * Acks are few, because a quorum queue stores each ack by itself.
 */
export class ScanWindow implements DeliverySink {
  readonly prefetch: number;
  readonly #scan: WindowOwner;
  /** Removed and not acked yet. */
  readonly #removed = new Set<number>();
  #consumer: Consumer | undefined;
  #epoch = 0;
  #timer: NodeJS.Timeout | undefined;
  #over = false;
  #held = 0;
  /** All tags up to this one are acked. */
  #prefix = 0;
  #lowestKept = Number.POSITIVE_INFINITY;

  constructor(scan: WindowOwner, prefetch: number) {
    this.#scan = scan;
    this.prefetch = prefetch;
  }

  /** Letters that return when it closes. */
  get held(): number {
    return this.#held;
  }

  async open(broker: Pick<Broker, 'consume'>, queue: string): Promise<void> {
    this.#consumer = await broker.consume({ queue, prefetch: this.prefetch }, this);
  }

  /** The letter leaves the queue. False when it is too late: it has gone back there. */
  remove(tag: number): boolean {
    if (this.#over) return false;
    this.#held--;
    this.#removed.add(tag);
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_AFTER_MS);
    return true;
  }

  /** The letter returns when the window closes. */
  keep(tag: number): void {
    this.#lowestKept = Math.min(this.#lowestKept, tag);
  }

  /** Nothing more is delivered. */
  async cancel(): Promise<void> {
    await this.#consumer?.cancel();
  }

  /** Writes the acks and returns the rest. */
  async close(): Promise<void> {
    this.#flush();
    this.#over = true;
    await this.#consumer?.close();
  }

  epochOpened(epoch: number): void {
    if (this.#epoch === 0) this.#epoch = epoch;
    else this.#over = true;
  }

  deliver(delivery: RawDelivery): void {
    if (this.#over) return;
    this.#held++;
    this.#scan.take(this, delivery);
  }

  readEnded(): void {
    this.#scan.readEnded();
  }

  epochClosed(_epoch: number, reason: RuntimeError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#scan.lost(reason);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#over) return;
    let last = this.#prefix;
    while (this.#removed.delete(last + 1)) last++;
    if (last > this.#prefix) this.#consumer?.ack(this.#epoch, last, true);
    this.#prefix = last;
    for (const tag of this.#removed) {
      if (tag < this.#lowestKept) continue; // what is before it is still on its way: an ack of many will take it
      this.#removed.delete(tag);
      this.#consumer?.ack(this.#epoch, tag, false);
    }
    this.#consumer?.flush();
  }
}
