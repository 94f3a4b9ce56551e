import { decodeProperties } from '../../batch/message-properties.ts';
import type { Broker, Consumer, DeliverySink, RawDelivery } from '../../broker/broker.ts';
import { RuntimeError } from '../../errors/runtime-error.ts';
import { type Deferred, deferred } from '../../support/deferred.ts';

const PREFETCH = 2000;

/** Takes the messages that are in a queue now, and returns their message ids. */
export async function takeIds(broker: Broker, queue: string): Promise<readonly string[]> {
  const expected = await broker.readyCount(queue);
  if (expected === 0) return [];
  const collector = new IdCollector(expected);
  const consumer = await broker.consume({ queue, prefetch: PREFETCH }, collector);
  try {
    return await collector.collect(consumer);
  } finally {
    await consumer.close();
  }
}

/** Reads nothing but the ids, and acknowledges each read of the socket at once. */
class IdCollector implements DeliverySink {
  readonly #expected: number;
  readonly #ids: string[] = [];
  readonly #all: Deferred<void> = deferred<void>();
  #consumer: Consumer | undefined;
  #epoch = 0;
  #acked = 0;

  constructor(expected: number) {
    this.#expected = expected;
  }

  /** Resolves when as many as were expected have come. */
  async collect(consumer: Consumer): Promise<readonly string[]> {
    this.#consumer = consumer;
    this.readEnded();
    await this.#all.promise;
    return this.#ids;
  }

  epochOpened(epoch: number): void {
    this.#epoch = epoch;
  }

  deliver({ source, propertiesStart, propertiesEnd }: RawDelivery): void {
    this.#ids.push(decodeProperties(source, propertiesStart, propertiesEnd).messageId ?? '(no id)');
  }

  readEnded(): void {
    if (this.#consumer === undefined || this.#acked === this.#ids.length) return;
    this.#acked = this.#ids.length;
    this.#consumer.ack(this.#epoch, this.#acked, true);
    this.#consumer.flush();
    if (this.#ids.length >= this.#expected) this.#all.resolve();
  }

  epochClosed(_epoch: number, reason: RuntimeError | undefined): void {
    this.#all.reject(
      reason ?? new RuntimeError('E_BROKER_CHANNEL_CLOSED', 'the dead letters could not be read to the end'),
    );
  }
}
