import assert from 'node:assert/strict';
import type { MessageProperties } from '../../src/batch/message-properties.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { deadQueueName, type QueueType, queueTopology } from '../../src/broker/topology.ts';
import type { DeadLetter } from '../../src/dead-letters/dead-letter.ts';
import { DeadLetterQueue } from '../../src/dead-letters/dead-letter-queue.ts';
import { type BrokerTrial, consume, toQueue } from './broker-rig.ts';

/** A letter as millrace writes it. */
export interface Written {
  readonly id: string;
  readonly task?: string;
  readonly code?: string;
  readonly queue?: string;
  readonly ageMs?: number;
  readonly headers?: Record<string, unknown>;
}

/** A queue with its dead letters, as a worker leaves them. */
export class LetterBox {
  readonly trial: BrokerTrial;
  readonly broker: Broker;
  readonly queue: string;
  readonly letters: DeadLetterQueue;

  private constructor(trial: BrokerTrial, broker: Broker, queue: string) {
    this.trial = trial;
    this.broker = broker;
    this.queue = queue;
    this.letters = openLetters(broker, queue);
  }

  static async make(trial: BrokerTrial, type: QueueType = 'quorum'): Promise<LetterBox> {
    const broker = await trial.connect();
    const queue = trial.name('letters');
    await trial.declare(broker, queueTopology(queue, type));
    return new LetterBox(trial, broker, queue);
  }

  async write(letters: readonly Written[]): Promise<void> {
    const publisher = await this.broker.publisher({ window: 500 });
    const dead = deadQueueName(this.queue);
    await Promise.all(
      letters.map((letter) => publisher.publish(toQueue(dead, bodyOf(letter.id), this.#properties(letter)))),
    );
    await publisher.close();
    await this.ready(dead, letters.length);
  }

  /** Resolves when so many are ready: a quorum queue takes back what a consumer held a moment after the consumer is closed. */
  async ready(queue: string, count: number): Promise<void> {
    const deadline = performance.now() + 10_000;
    for (let ready = -1; ready !== count; ) {
      await new Promise((resolve) => setImmediate(resolve)); // the memory broker needs the loop to turn
      ready = await this.broker.readyCount(queue);
      assert.ok(performance.now() < deadline, `${ready} are ready in '${queue}', expected ${count}`);
    }
  }

  async ids(): Promise<string[]> {
    const ids: string[] = [];
    for await (const { id } of this.letters.list({}, { limit: 100_000 })) ids.push(id);
    return ids;
  }

  /** What is in a queue, by ids; on a connection of its own, with nothing taken. */
  async peek(queue: string, count: number): Promise<readonly MessageProperties[]> {
    await this.ready(queue, count);
    if (count === 0) return [];
    const { consumer, sink } = await consume(this.broker, queue, count);
    await sink.received(count);
    await consumer.close();
    return sink.deliveries.map(({ properties }) => properties);
  }

  #properties({ id, task = 'resize', code = 'E_TASK_FAILED', queue, ageMs = 0, headers }: Written): MessageProperties {
    return {
      messageId: id,
      type: task,
      contentType: 'application/json',
      headers: {
        'x-error-code': code,
        'x-error-message': `${id} failed`,
        'x-outcome': 'failed',
        'x-attempt': 3,
        'x-queue': queue ?? this.queue,
        'x-worker': 'host:1',
        'x-dead-at': new Date(Date.now() - ageMs).toISOString(),
        ...headers,
      },
    };
  }
}

/** Opens the dead letters over a broker that stays open. */
export function openLetters(broker: Broker, queue: string): DeadLetterQueue {
  return new DeadLetterQueue({ broker, queue, deadQueue: deadQueueName(queue), release: async () => {} });
}

/** Letters '0', '1', … */
export function letters(count: number, more: (id: string) => Partial<Written> = () => ({})): Written[] {
  return Array.from({ length: count }, (_, index) => ({ id: String(index), ...more(String(index)) }));
}

export function bodyOf(id: string): string {
  return JSON.stringify({ id });
}

export function idsOf(letters: readonly DeadLetter[]): readonly string[] {
  return letters.map(({ id }) => id);
}
