import type { Broker } from '../broker/broker.ts';
import { deadQueueName } from '../broker/topology.ts';
import { checkBroker } from '../config/check-options.ts';
import { type Check, group, optional, text } from '../config/option-checks.ts';
import type { RuntimeOptions } from '../config/options.ts';
import { resolveBroker } from '../config/resolve-options.ts';
import { DeadLetterQueue } from '../dead-letters/dead-letter-queue.ts';
import { isRuntimeError } from '../errors/runtime-error.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { openBroker } from './open-broker.ts';

export interface DeadLetterOptions {
  /**
   * RabbitMQ: a URL, several URLs of one cluster, settings, or a broker made elsewhere, which is started, used by nobody
   * else meanwhile, and stays open when the dead letters are closed.
   * @defaultValue `amqp://localhost`
   * @remarks Rejects with `E_BROKER_URL`, `E_BROKER_UNREACHABLE`, `E_BROKER_AUTH`, `E_BROKER_VHOST`.
   */
  readonly broker?: NonNullable<RuntimeOptions['broker']>;
}

const DEFAULT_BROKER = 'amqp://localhost';
const checkDeadLetterOptions: Check = group({ broker: optional(checkBroker) });
const checkQueueName: Check = text(1, 255);
const NO_SUFFIX = '';

/**
 * Opens the dead letters of a queue: `<queue>.dead`. The name of the dead-letter queue itself is understood too.
 * Rejects with E_BROKER_QUEUE_MISSING when there is no such queue, and leaves nothing open.
 */
export async function openDeadLetters(options: DeadLetterOptions, queue: string): Promise<DeadLetterQueue> {
  checkDeadLetterOptions(options, '');
  checkQueueName(queue, 'queue');
  const resolved = resolveBroker(options.broker ?? DEFAULT_BROKER);
  const broker = await openBroker(resolved, SILENT_LOGGER);
  const release = async (): Promise<void> => {
    if (resolved.kind !== 'instance') await broker.stop();
  };
  try {
    await broker.start();
    return new DeadLetterQueue({ broker, release, ...(await findQueue(broker, queue)) });
  } catch (error) {
    await release();
    throw error;
  }
}

async function findQueue(
  broker: Broker,
  queue: string,
): Promise<{ readonly queue: string; readonly deadQueue: string }> {
  const deadQueue = deadQueueName(queue);
  try {
    await broker.readyCount(deadQueue);
    return { queue, deadQueue };
  } catch (error) {
    const suffix = deadQueueName(NO_SUFFIX);
    if (!isRuntimeError(error, 'E_BROKER_QUEUE_MISSING') || !queue.endsWith(suffix)) throw error;
    await broker.readyCount(queue);
    return { queue: queue.slice(0, -suffix.length), deadQueue: queue };
  }
}
