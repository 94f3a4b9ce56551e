import type { MessageProperties } from '../batch/message-properties.ts';
import type { Broker, Publisher } from '../broker/broker.ts';
import { type Delays, isNotThere } from '../broker/delays.ts';
import type { QueueSpec } from '../broker/topology.ts';
import { isRuntimeError, type RuntimeError } from '../errors/runtime-error.ts';
import type { Logger } from '../telemetry/logger.ts';

const FIRST_RETRY_MS = 50;
const SLOWEST_RETRY_MS = 10_000;

/** Where a message goes next: into a queue at once, or into one after a delay. */
export type Destination =
  | { readonly kind: 'queue'; readonly declare: QueueSpec }
  | { readonly kind: 'delayed'; readonly queue: string; readonly delayMs: number };

/** A message that must be with the broker before the one it follows from is acknowledged. */
export interface FollowUp {
  /** The queue whose consumption pauses while this is not taken. */
  readonly source: string;
  /** What it is, for the log: `retry`, `dead letter`, … */
  readonly what: string;
  readonly destination: Destination;
  /** The first of them that can be sent is. Each is made only when it is needed. */
  readonly variants: readonly (() => MessageProperties)[];
  /** Stays unchanged until `send` settles. */
  readonly body: Buffer;
}

/** `unsendable`: with none of its variants. `stopped`: the message it follows from stays unacked with the broker. */
export type FollowUpAnswer = 'confirmed' | 'unsendable' | 'stopped';

type Attempt = 'confirmed' | 'refused' | 'unsendable' | 'closed';

export interface FollowUpParts {
  readonly broker: Broker;
  readonly publisher: Publisher;
  readonly delays: Delays;
  readonly logger: Logger;
  /** A queue was paused or goes on. */
  readonly changed: () => void;
}

/**
 * Publishes what follows from outcomes: retries, waits, dead letters, suspects. `send` resolves when the broker has
 * confirmed, and tries until then, from 50 ms up to every 10 s: the message it follows from stays unacked meanwhile, so
 * nothing is lost. A lost confirm may leave the same message there twice, with the same id.
 *
 * While one of a queue's follow-ups has been refused (a full dead-letter queue, a missing permission), `refusal` says
 * so and the queue is not consumed: it would only pile up more of them.
 *
 * Cost: one promise and some objects for each follow-up.
 */
export class FollowUps {
  readonly #parts: FollowUpParts;
  readonly #refusals = new Map<string, { waiting: number; reason: string }>();
  readonly #waits = new Set<() => void>();
  #pending = 0;
  #stopped = false;

  constructor(parts: FollowUpParts) {
    this.#parts = parts;
  }

  /** Follow-ups on their way. */
  get pending(): number {
    return this.#pending;
  }

  /** Why this queue is paused; undefined while all its follow-ups are taken. */
  refusal(source: string): string | undefined {
    return this.#refusals.get(source)?.reason;
  }

  async send(followUp: FollowUp): Promise<FollowUpAnswer> {
    this.#pending++;
    let refused = false;
    try {
      let variant = 0;
      let properties = followUp.variants[0]?.();
      for (let tries = 0; !this.#stopped; tries++) {
        if (properties === undefined) return 'unsendable';
        const answer = await this.#try(followUp, properties, refused);
        if (answer === 'confirmed') return 'confirmed';
        if (answer === 'closed') return 'stopped';
        if (answer === 'unsendable') {
          properties = followUp.variants[++variant]?.();
          continue;
        }
        refused = true;
        await this.#wait(Math.random() * Math.min(SLOWEST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries));
      }
      return 'stopped';
    } finally {
      this.#pending--;
      if (refused) this.#taken(followUp.source);
    }
  }

  /** Gives up what is still waiting for its confirm. */
  stop(): void {
    this.#stopped = true;
    for (const wake of this.#waits) wake();
  }

  /** @param again - it was refused before */
  async #try(followUp: FollowUp, properties: MessageProperties, again: boolean): Promise<Attempt> {
    const { publisher, delays } = this.#parts;
    const { destination, body } = followUp;
    try {
      if (destination.kind === 'delayed') await delays.ready(destination.queue);
      const address =
        destination.kind === 'queue'
          ? { exchange: '', routingKey: destination.declare.name }
          : delays.route(destination.queue, destination.delayMs);
      await publisher.publish({ ...address, properties, body });
      return 'confirmed';
    } catch (error) {
      if (isRuntimeError(error, 'E_CLIENT_CLOSED')) return 'closed';
      if (isRuntimeError(error, 'E_MESSAGE_MALFORMED') || isRuntimeError(error, 'E_MESSAGE_TOO_LARGE')) {
        this.#parts.logger.error({ queue: followUp.source, error }, `a ${followUp.what} cannot be sent as it is`);
        return 'unsendable';
      }
      this.#refused(followUp, error as Error, again);
      await this.#prepare(destination, error);
      return 'refused';
    }
  }

  #refused({ source, what }: FollowUp, error: Error, again: boolean): void {
    const reason = `a ${what} of queue '${source}' is not taken: ${error.message}`;
    const known = this.#refusals.get(source);
    if (known === undefined) {
      this.#refusals.set(source, { waiting: 1, reason });
      this.#parts.logger.error({ queue: source, error }, `${reason}; the queue is paused until it is`);
      this.#parts.changed();
      return;
    }
    if (!again) known.waiting++;
    known.reason = reason;
    this.#parts.logger.debug({ queue: source }, reason);
  }

  #taken(source: string): void {
    const known = this.#refusals.get(source);
    if (known === undefined || --known.waiting > 0) return;
    this.#refusals.delete(source);
    if (!this.#stopped)
      this.#parts.logger.info({ queue: source }, `queue '${source}' goes on: its follow-ups are taken`);
    this.#parts.changed();
  }

  /** Declares again what a message could not be routed to. */
  async #prepare(destination: Destination, error: unknown): Promise<void> {
    if (destination.kind === 'delayed') return isNotThere(error) ? this.#parts.delays.forget() : undefined;
    if (!isRuntimeError(error, 'E_PUBLISH_UNROUTABLE')) return;
    const { declare } = destination;
    try {
      await this.#parts.broker.declare({ exchanges: [], queues: [declare], bindings: [] });
    } catch (problem) {
      const { code, message } = problem as RuntimeError;
      this.#parts.logger.error({ queue: declare.name, code }, `queue '${declare.name}' cannot be declared: ${message}`);
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
