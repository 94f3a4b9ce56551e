/**
 * Watches what a contender does at the broker in memory, where there is no socket to look at: when it consumes, and each
 * ack once it is flushed. So no contender of such a scenario measures itself either.
 *
 *     consume() ──▶ start of time and CPU        flush() with the ack of the last message ──▶ end
 *
 * Cost: two entries in a list an ack.
 */
import type { Broker, Consumer } from '../../src/broker/broker.ts';
import { AckWatch, type Meter, type WatchRequest } from './ack-watch.ts';

export class BrokerWatch extends AckWatch {
  readonly #queue: string;
  /** Tag of each ack not yet flushed, and 1 where it is of many. */
  #buffered: number[] = [];

  constructor({ queue, messages }: WatchRequest, meter?: Meter) {
    super(messages, meter);
    this.#queue = queue;
  }

  /** Sees the queue's consumer of this broker from now on; its other queues are the contender's own affair. */
  watch(broker: Broker): void {
    const consume = broker.consume.bind(broker);
    broker.consume = async (options, sink) => {
      if (options.queue !== this.#queue) return consume(options, sink);
      this.restart();
      const consumer = await consume(options, sink); // delivers from the next macrotask on
      this.#watchConsumer(consumer);
      return consumer;
    };
  }

  #watchConsumer(consumer: Consumer): void {
    const ack = consumer.ack.bind(consumer);
    const nack = consumer.nack.bind(consumer);
    const flush = consumer.flush.bind(consumer);
    consumer.ack = (epoch, tag, multiple) => {
      this.#buffered.push(tag, multiple ? 1 : 0);
      ack(epoch, tag, multiple);
    };
    consumer.nack = (epoch, tag, requeue) => {
      this.nacked++;
      nack(epoch, tag, requeue);
    };
    consumer.flush = () => {
      flush();
      const buffered = this.#buffered;
      this.#buffered = [];
      for (let i = 0; i < buffered.length; i += 2) this.sawAck(buffered[i] as number, buffered[i + 1] === 1);
    };
  }
}
