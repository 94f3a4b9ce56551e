/** The bench's own queue: made fresh for each contender of each round, so that none inherits another's log or index. */
import amqplib from 'amqplib';
import type { Left } from './verdict.ts';

export type QueueType = 'quorum' | 'classic';

/** What a worker declares next to a queue; removed with it. */
const COMPANIONS = ['.dead', '.suspects'];
const SETTLE_TRIES = 100;
const SETTLE_EVERY_MS = 100;

export class QueueAdmin {
  readonly queue: string;
  readonly #connection: amqplib.ChannelModel;
  readonly #type: QueueType;

  private constructor(connection: amqplib.ChannelModel, queue: string, type: QueueType) {
    this.#connection = connection;
    this.queue = queue;
    this.#type = type;
  }

  static async open(url: string, queue: string, type: QueueType): Promise<QueueAdmin> {
    return new QueueAdmin(await amqplib.connect(url), queue, type);
  }

  /** As the broker names itself, e.g. `RabbitMQ 3.10.8`. */
  get server(): string {
    const { product, version } = this.#connection.connection.serverProperties;
    return `${product} ${version}`;
  }

  async recreate(): Promise<void> {
    await this.remove();
    await this.#onChannel((channel) =>
      channel.assertQueue(this.queue, { durable: true, arguments: { 'x-queue-type': this.#type } }),
    );
  }

  async remove(): Promise<void> {
    for (const name of [this.queue, ...COMPANIONS.map((suffix) => this.queue + suffix)]) {
      await this.#onChannel((channel) => channel.deleteQueue(name));
    }
  }

  /**
   * Messages left once no consumer is there any more, dead letters included.
   * Polls: that a closed consumer's unacked messages are back in the queue is a state of the broker, which tells nobody.
   */
  async left(): Promise<Left> {
    for (let tries = 0; ; tries++) {
      const state = await this.#onChannel((channel) => channel.checkQueue(this.queue));
      if (state.consumerCount === 0) return { queued: state.messageCount, dead: await this.#deadLetters() };
      if (tries === SETTLE_TRIES) throw new Error(`${this.queue} still has a consumer after the contender ended`);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_EVERY_MS));
    }
  }

  /** Messages that no consumer has. */
  async ready(): Promise<number> {
    return (await this.#onChannel((channel) => channel.checkQueue(this.queue))).messageCount;
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #deadLetters(): Promise<number> {
    try {
      return (await this.#onChannel((channel) => channel.checkQueue(`${this.queue}.dead`))).messageCount;
    } catch (error) {
      if ((error as { code?: unknown }).code === 404) return 0; // this contender declares none
      throw error;
    }
  }

  /** A channel for each request, because a refused one closes its channel. */
  async #onChannel<T>(request: (channel: amqplib.Channel) => Promise<T>): Promise<T> {
    const channel = await this.#connection.createChannel();
    let refused: unknown;
    channel.on('error', (error: unknown) => {
      refused = error;
    });
    try {
      const result = await request(channel);
      await channel.close();
      return result;
    } catch (error) {
      throw refused ?? error;
    }
  }
}
