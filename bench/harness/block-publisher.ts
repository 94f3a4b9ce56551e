/** Publishes preformed blocks on one channel, many in one write, as fast as the broker confirms them. */
import { Confirms } from './confirms.ts';
import type { PublishBlock } from './publish-block.ts';
import { METHOD, method, methodId, RawConnection, targetOf } from './raw-amqp.ts';

/** Encoded into one write at most; one message is always. */
const WRITE_MESSAGES = 250;
const WRITE_BYTES = 1024 * 1024;

/** How many of these blocks are at most so many messages and so many bytes; at least one. */
export function fitting(most: number, bytes: number, block: PublishBlock): number {
  return Math.min(most, Math.max(1, Math.floor(bytes / block.length)));
}

export interface BlockOrder {
  readonly block: PublishBlock;
  readonly messages: number;
  /** Unconfirmed messages at most: keeps the broker busy, and its memory bounded. */
  readonly window: number;
  readonly onProgress: (confirmed: number) => void;
}

export class BlockPublisher {
  readonly #connection: RawConnection;

  private constructor(connection: RawConnection) {
    this.#connection = connection;
  }

  static async open(amqpUrl: string): Promise<BlockPublisher> {
    const connection = await RawConnection.open(targetOf(amqpUrl));
    await connection.call(METHOD.confirmSelectOk, method(1, methodId(85, 10), Buffer.from([0])));
    return new BlockPublisher(connection);
  }

  /** Once. Resolves when all are confirmed; rejects when the broker refused one. */
  async publish({ block, messages, window, onProgress }: BlockOrder): Promise<void> {
    const connection = this.#connection;
    const confirms = new Confirms(messages);
    connection.sink = confirms;
    const confirmed = (count: number): Promise<void> => Promise.race([confirms.reached(count), connection.failed]);
    const atOnce = Math.min(fitting(WRITE_MESSAGES, WRITE_BYTES, block), window);
    for (let from = 0; from < messages; from += atOnce) {
      const count = Math.min(atOnce, messages - from);
      await confirmed(from + count - window);
      const bytes = Buffer.allocUnsafe(count * block.length);
      for (let i = 0; i < count; i++) block.writeTo(bytes, i * block.length, from + i);
      connection.write(bytes);
      await connection.drained();
      onProgress(confirms.count);
    }
    await confirmed(messages);
    onProgress(messages);
    if (confirms.refused > 0) throw new Error(`the broker refused ${confirms.refused} of the messages`);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}
