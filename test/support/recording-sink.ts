import { decodeProperties, type MessageProperties } from '../../src/batch/message-properties.ts';
import type { Consumer, DeliverySink, RawDelivery } from '../../src/broker/broker.ts';
import type { RuntimeError } from '../../src/errors/runtime-error.ts';

export interface RecordedDelivery {
  readonly epoch: number;
  readonly tag: number;
  readonly redelivered: boolean;
  readonly properties: MessageProperties;
  readonly body: Buffer;
}

/** A sink that keeps everything and lets a test wait until what it kept is enough. */
export class RecordingSink implements DeliverySink {
  readonly deliveries: RecordedDelivery[] = [];
  readonly opened: number[] = [];
  readonly closed: { readonly epoch: number; readonly reason: RuntimeError | undefined }[] = [];
  /** Number of deliveries that had arrived at each end of a read. */
  readonly readEnds: number[] = [];
  /** Runs for each delivery, e.g. to ack it. */
  onDelivery: ((delivery: RecordedDelivery) => void) | undefined;
  /** Runs at the end of each read. */
  onReadEnd: (() => void) | undefined;
  #epoch = 0;
  #waiters: { readonly enough: () => boolean; readonly resolve: () => void }[] = [];

  epochOpened(epoch: number): void {
    this.#epoch = epoch;
    this.opened.push(epoch);
    this.#look();
  }

  deliver(delivery: RawDelivery): void {
    const { source, tag, redelivered } = delivery;
    const recorded = {
      epoch: this.#epoch,
      tag,
      redelivered,
      properties: decodeProperties(source, delivery.propertiesStart, delivery.propertiesEnd),
      body: Buffer.from(source.subarray(delivery.bodyStart, delivery.bodyEnd)),
    };
    this.deliveries.push(recorded);
    this.onDelivery?.(recorded);
    this.#look();
  }

  readEnded(): void {
    this.readEnds.push(this.deliveries.length);
    this.onReadEnd?.();
    this.#look();
  }

  epochClosed(epoch: number, reason: RuntimeError | undefined): void {
    this.closed.push({ epoch, reason });
    this.#look();
  }

  /** From now on acks everything at the end of each read; for a consumer that stays in its first epoch. */
  ackAllOf(consumer: Consumer): void {
    let acked = 0;
    this.onReadEnd = () => {
      // A read may bring no delivery, and a tag that is settled already must not be named again.
      if (this.deliveries.length === acked) return;
      acked = this.deliveries.length;
      consumer.ack(consumer.epoch, acked, true);
      consumer.flush();
    };
    this.onReadEnd();
  }

  /** Bodies as text, in order of arrival. */
  get texts(): readonly string[] {
    return this.deliveries.map(({ body }) => body.toString());
  }

  /** Resolves as soon as `enough` holds; the test's own timeout bounds the wait. */
  until(enough: () => boolean): Promise<void> {
    if (enough()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ enough, resolve }));
  }

  received(count: number): Promise<void> {
    return this.until(() => this.deliveries.length >= count);
  }

  #look(): void {
    if (this.#waiters.length === 0) return;
    const ready = this.#waiters.filter(({ enough }) => enough());
    this.#waiters = this.#waiters.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve();
  }
}
