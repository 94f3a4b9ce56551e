import { decodeProperties, type MessageProperties } from '../batch/message-properties.ts';
import type { Broker, Publisher } from '../broker/broker.ts';
import { deadQueueName, queueTopology } from '../broker/topology.ts';
import { isRuntimeError, type RuntimeError } from '../errors/runtime-error.ts';
import type { WireError } from '../errors/wire-error.ts';
import type { Logger } from '../telemetry/logger.ts';

const LONGEST_STACK = 4_096;
const LONGEST_MESSAGE = 1_024;
/** A header frame holds 128 KiB, and base64 makes four bytes of three. */
const LONGEST_PACKED_BYTES = 64 * 1024;
const FIRST_RETRY_MS = 50;
const SLOWEST_RETRY_MS = 10_000;

type PublishAnswer = 'confirmed' | 'refused' | 'unsendable' | 'closed';

/** A message that ends in the dead letters, and why. The bytes stay unchanged until `send` settles. */
export interface DeadLetter {
  readonly queue: string;
  readonly properties: Buffer;
  readonly body: Buffer;
  /** Attempts that this process counted for the delivery before this one. */
  readonly reruns: number;
  readonly outcome: string;
  readonly error: WireError;
}

/**
 * Puts messages into `<queue>.dead` with the reason in their headers:
 *
 *     x-error-code      E_TASK_FAILED, … or the error's own code
 *     x-error-message   up to 1,024 characters
 *     x-error-stack     up to 4,096 characters, where there is one
 *     x-outcome         failed, crashed, …
 *     x-attempt         attempts made, counted from 1
 *     x-queue           where it came from
 *     x-dead-at         ISO 8601
 *
 * Body and properties are kept; properties that cannot be read, or not be sent with the reason added (headers that
 * would exceed a frame), are kept as bytes in the header x-original-properties, base64. `send` resolves when the broker has confirmed the dead letter, and tries until then:
 * the message it came from stays unacked meanwhile, so nothing is lost. After a lost confirm the same message may be
 * there twice, with the same message id.
 */
export class DeadLetters {
  readonly #broker: Broker;
  readonly #publisher: Publisher;
  readonly #logger: Logger;
  #pending = 0;
  #stopped = false;
  readonly #waits = new Set<() => void>();

  constructor(broker: Broker, publisher: Publisher, logger: Logger) {
    this.#broker = broker;
    this.#publisher = publisher;
    this.#logger = logger;
  }

  /** Dead letters on their way. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves to true when the broker has it, to false when `stop` or the publisher's end came first. */
  async send(letter: DeadLetter): Promise<boolean> {
    this.#pending++;
    try {
      let properties = deadProperties(letter, readableProperties(letter.properties));
      for (let tries = 0; !this.#stopped; tries++) {
        const answer = await this.#publish(letter, properties, tries);
        if (answer === 'confirmed') return true;
        if (answer === 'closed') return false;
        if (answer === 'unsendable') properties = deadProperties(letter, packedProperties(letter.properties));
      }
      return false;
    } finally {
      this.#pending--;
    }
  }

  /** Gives up what is still waiting for its confirm: those messages stay with the broker, unacked. */
  stop(): void {
    this.#stopped = true;
    for (const wake of this.#waits) wake();
  }

  /** `unsendable`: not with these properties, e.g. headers larger than a frame. */
  async #publish(letter: DeadLetter, properties: MessageProperties, tries: number): Promise<PublishAnswer> {
    const routingKey = deadQueueName(letter.queue);
    try {
      await this.#publisher.publish({ exchange: '', routingKey, properties, body: letter.body });
      return 'confirmed';
    } catch (error) {
      if (isRuntimeError(error, 'E_CLIENT_CLOSED')) return 'closed';
      this.#logger.error(
        { queue: letter.queue, tries, error },
        `a dead letter was not taken: ${(error as Error).message}`,
      );
      if (isRuntimeError(error, 'E_PUBLISH_UNROUTABLE')) await this.#declareDeadQueue(letter.queue);
      await this.#wait(Math.random() * Math.min(SLOWEST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries));
      return isRuntimeError(error, 'E_MESSAGE_MALFORMED') ? 'unsendable' : 'refused';
    }
  }

  async #declareDeadQueue(queue: string): Promise<void> {
    const dead = deadQueueName(queue);
    const { queues } = queueTopology(queue, 'quorum');
    try {
      await this.#broker.declare({ exchanges: [], queues: queues.filter((spec) => spec.name === dead), bindings: [] });
    } catch (error) {
      const { code, message } = error as RuntimeError;
      this.#logger.error({ queue: dead, code }, `the dead-letter queue cannot be declared: ${message}`);
    }
  }

  async #wait(ms: number): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waits.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waits.add(wake);
    });
  }
}

function deadProperties(letter: DeadLetter, properties: MessageProperties): MessageProperties {
  const attempt = typeof properties.headers?.['x-attempt'] === 'number' ? properties.headers['x-attempt'] : 1;
  const { error } = letter;
  // an expiry would remove the dead letter, which nobody has looked at yet
  const { expiration: _expired, userId: _publisher, ...kept } = properties;
  return {
    ...kept,
    deliveryMode: 2,
    headers: {
      ...properties.headers,
      'x-error-code': error.code,
      'x-error-message': error.message.slice(0, LONGEST_MESSAGE),
      ...(error.stack === undefined ? {} : { 'x-error-stack': error.stack.slice(0, LONGEST_STACK) }),
      'x-outcome': letter.outcome,
      'x-attempt': attempt + letter.reruns,
      'x-queue': letter.queue,
      'x-dead-at': new Date().toISOString(),
    },
  };
}

/** Properties that cannot be read travel on as they were, in a header. */
function readableProperties(bytes: Buffer): MessageProperties {
  try {
    return decodeProperties(bytes, 0, bytes.length);
  } catch {
    return packedProperties(bytes);
  }
}

/** The beginning of the properties as they were, in one header. */
function packedProperties(bytes: Buffer): MessageProperties {
  return { headers: { 'x-original-properties': bytes.subarray(0, LONGEST_PACKED_BYTES).toString('base64') } };
}
