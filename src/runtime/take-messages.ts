import { decodeProperties, type MessageProperties } from '../batch/message-properties.ts';
import type { Broker, Consumer, DeliverySink, RawDelivery } from '../broker/broker.ts';
import { RuntimeError } from '../errors/runtime-error.ts';
import { type Deferred, deferred } from '../support/deferred.ts';

/** A message that was taken out of a queue. */
export interface TakenMessage {
  readonly properties: MessageProperties;
  readonly body: Uint8Array;
}

const PREFETCH = 2000;

/** Takes out the messages that are in a queue now, e.g. its dead letters. For demos and tests: it keeps them all in memory. */
export async function takeMessages(broker: Broker, queue: string): Promise<readonly TakenMessage[]> {
  const expected = await broker.readyCount(queue);
  if (expected === 0) return [];
  const collector = new Collector(expected);
  const consumer = await broker.consume({ queue, prefetch: PREFETCH }, collector);
  try {
    return await collector.collect(consumer);
  } finally {
    await consumer.close();
  }
}

/** Keeps what is delivered, and acknowledges each read of the socket at once. */
class Collector implements DeliverySink {
  readonly #expected: number;
  readonly #messages: TakenMessage[] = [];
  readonly #all: Deferred<void> = deferred<void>();
  #consumer: Consumer | undefined;
  #epoch = 0;
  #acked = 0;

  constructor(expected: number) {
    this.#expected = expected;
    this.#all.promise.catch(() => undefined); // told to whoever collects; the epoch may end before that
  }

  /** Resolves when as many as were expected have come. */
  async collect(consumer: Consumer): Promise<readonly TakenMessage[]> {
    this.#consumer = consumer;
    this.readEnded();
    await this.#all.promise;
    return this.#messages;
  }

  epochOpened(epoch: number): void {
    this.#epoch = epoch;
  }

  deliver({ source, propertiesStart, propertiesEnd, bodyStart, bodyEnd }: RawDelivery): void {
    const properties = decodeProperties(source, propertiesStart, propertiesEnd);
    this.#messages.push({ properties, body: Uint8Array.from(source.subarray(bodyStart, bodyEnd)) });
  }

  readEnded(): void {
    if (this.#consumer === undefined || this.#acked === this.#messages.length) return;
    this.#acked = this.#messages.length;
    this.#consumer.ack(this.#epoch, this.#acked, true);
    this.#consumer.flush();
    if (this.#messages.length >= this.#expected) this.#all.resolve();
  }

  epochClosed(_epoch: number, reason: RuntimeError | undefined): void {
    this.#all.reject(reason ?? new RuntimeError('E_BROKER_CHANNEL_CLOSED', 'the queue could not be read to its end'));
  }
}
