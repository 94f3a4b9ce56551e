import type { Broker, Consumer, DeliverySink, RawDelivery } from '../broker/broker.ts';
import type { RuntimeError } from '../errors/runtime-error.ts';

/** The scan that a window belongs to. */
export interface WindowOwner {
  take(window: ScanWindow, delivery: RawDelivery): void;
  readEnded(): void;
  /** The broker ended it before we did. */
  lost(reason: RuntimeError | undefined): void;
}

/** One consumer of a scan, in its first epoch; a second one would bring again what the first had. */
export class ScanWindow implements DeliverySink {
  readonly prefetch: number;
  readonly #scan: WindowOwner;
  #consumer: Consumer | undefined;
  #epoch = 0;
  #flushing = false;
  #over = false;
  #held = 0;

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

  /** Written with the others of this turn. False when it is too late: the letter has gone back to its queue. */
  ack(tag: number): boolean {
    if (this.#over) return false;
    this.#held--;
    this.#consumer?.ack(this.#epoch, tag, false);
    if (this.#flushing) return true;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#consumer?.flush();
    });
    return true;
  }

  async cancel(): Promise<void> {
    await this.#consumer?.cancel();
  }

  async close(): Promise<void> {
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
}
