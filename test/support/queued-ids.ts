import { Connection } from 'rabbitmq-client';

const CONSUMERS_GONE_WITHIN_MS = 30_000;

/**
 * The message ids that a queue holds, each as often as it is there; the messages stay. A queue that does not exist holds
 * none. What a consumer has unacked cannot be seen by anyone else, so this waits until the queue has no consumer.
 *
 * Cost: a round trip a message, about 0.2 ms; each look counts as one more delivery of what is there.
 */
export async function queuedIds(broker: string, queue: string): Promise<string[]> {
  return await withConnection(broker, async (connection) =>
    (await consumersGone(connection, queue)) ? await getIds(connection, queue, false) : [],
  );
}

/** Takes out what the queue holds; returns the message ids. */
export async function takeIds(broker: string, queue: string): Promise<string[]> {
  return await withConnection(broker, (connection) => getIds(connection, queue, true));
}

async function withConnection<T>(broker: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = new Connection(broker);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** @param remove - false: closing the channel returns everything */
async function getIds(connection: Connection, queue: string, remove: boolean): Promise<string[]> {
  const channel = await connection.acquire();
  const ids: string[] = [];
  for (;;) {
    const message = await channel.basicGet({ queue, noAck: remove });
    if (message === undefined) break;
    ids.push(message.messageId ?? `no message id, number ${ids.length} of ${queue}`);
  }
  await channel.close();
  return ids;
}

/** Resolves to false where there is no such queue. */
async function consumersGone(connection: Connection, queue: string): Promise<boolean> {
  const deadline = performance.now() + CONSUMERS_GONE_WITHIN_MS;
  for (;;) {
    const channel = await connection.acquire();
    try {
      const { consumerCount } = await channel.queueDeclare({ queue, passive: true });
      if (consumerCount === 0) return true;
    } catch (error) {
      if ((error as { code?: string }).code === 'NOT_FOUND') return false;
      throw error;
    } finally {
      await channel.close();
    }
    if (performance.now() > deadline) throw new Error(`'${queue}' still has a consumer`);
    // The broker tells nobody that a consumer has gone: it has to be asked.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
