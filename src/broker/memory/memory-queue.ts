import { Deque } from '../../support/deque.ts';
import type { QueueSpec } from '../topology.ts';
import type { DeathReason, StoredMessage } from './stored-message.ts';
import { countDelivery } from './stored-message.ts';

/** A consumer as its queue sees it. */
export interface QueueSubscriber {
  /** True while it may be pushed one more message. */
  hasCredit(): boolean;
  push(message: StoredMessage): void;
  pushEnded(): void;
}

/** Where a queue sends what dies in it. */
export type DeadLetterRoute = (message: StoredMessage, reason: DeathReason, queue: MemoryQueue) => void;

/** Messages handed over in one macrotask, so that a long queue does not hold up the event loop. */
const SLICE = 256;
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * One queue: what is ready, and the subscribers that take turns.
 *
 *     given back, by position ─┐
 *                              ├──▶ slice of 256 a macrotask ──▶ subscribers with credit, in turn
 *     never delivered ─────────┘
 *
 * Whatever was given back was delivered before anything that was not, so its position is always the lower one. With a
 * time to live (x-message-ttl) it expires earlier too: looking at the first of both is enough, one timer serves all.
 * Cost: constant per message; giving back costs a step per message that has to move aside.
 */
export class MemoryQueue {
  readonly name: string;
  readonly spec: QueueSpec;
  readonly #deadLetter: DeadLetterRoute;
  readonly #fresh = new Deque<StoredMessage>();
  readonly #returned = new Deque<StoredMessage>();
  readonly #subscribers: QueueSubscriber[] = [];
  #turn = 0;
  #positions = 0;
  #scheduled = false;
  readonly #lifeMs: number | undefined;
  #timed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(spec: QueueSpec, deadLetter: DeadLetterRoute) {
    this.name = spec.name;
    this.spec = spec;
    this.#deadLetter = deadLetter;
    const life = spec.arguments['x-message-ttl'];
    this.#lifeMs = typeof life === 'number' ? life : undefined;
  }

  /** Messages ready, not those unacked. */
  get length(): number {
    return this.#fresh.length + this.#returned.length;
  }

  /** False when the queue is full and refuses what is new. */
  accepts(): boolean {
    const most = this.spec.arguments['x-max-length'];
    return typeof most !== 'number' || this.length < most || this.spec.arguments['x-overflow'] !== 'reject-publish';
  }

  enqueue(message: StoredMessage): void {
    message.position = this.#positions++;
    if (this.#lifeMs !== undefined) message.expiresAt = performance.now() + this.#lifeMs;
    this.#fresh.push(message);
    const most = this.spec.arguments['x-max-length'];
    if (typeof most === 'number') while (this.length > most) this.#dropOldest();
    this.schedule();
    this.#arm();
  }

  /** Whether messages expire: while nobody is connected no timer runs. */
  setTimed(timed: boolean): void {
    this.#timed = timed;
    if (timed) return this.#arm();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Takes messages back in front of what is ready, each where it was. */
  giveBack(messages: readonly StoredMessage[]): void {
    const quorum = this.spec.arguments['x-queue-type'] === 'quorum';
    const limit = this.spec.arguments['x-delivery-limit'];
    for (const message of messages) {
      message.returns++;
      if (quorum) countDelivery(message);
      if (quorum && typeof limit === 'number' && message.returns > limit) this.kill(message, 'delivery_limit');
      else this.#insert(message);
    }
    this.schedule();
    this.#rearm();
  }

  kill(message: StoredMessage, reason: DeathReason): void {
    this.#deadLetter(message, reason, this);
  }

  subscribe(subscriber: QueueSubscriber): void {
    this.#subscribers.push(subscriber);
    this.schedule();
  }

  unsubscribe(subscriber: QueueSubscriber): void {
    const index = this.#subscribers.indexOf(subscriber);
    if (index >= 0) this.#subscribers.splice(index, 1);
  }

  /** Sees to it that ready messages reach subscribers with credit, in the next macrotask. */
  schedule(): void {
    if (this.#scheduled || this.length === 0 || this.#subscribers.length === 0) return;
    this.#scheduled = true;
    setImmediate(this.#pushSlice);
  }

  readonly #pushSlice = (): void => {
    this.#scheduled = false;
    this.#expire(Number.POSITIVE_INFINITY);
    const pushed = new Set<QueueSubscriber>();
    for (let room = SLICE; room > 0; room--) {
      const subscriber = this.length > 0 ? this.#next() : undefined;
      if (subscriber === undefined) break;
      const message = this.#takeFirst();
      if (message === undefined) break;
      pushed.add(subscriber);
      subscriber.push(message);
    }
    for (const subscriber of pushed) subscriber.pushEnded();
    if (this.#subscribers.some((subscriber) => subscriber.hasCredit())) this.schedule();
  };

  #next(): QueueSubscriber | undefined {
    const count = this.#subscribers.length;
    for (let step = 0; step < count; step++) {
      const index = (this.#turn + step) % count;
      const subscriber = this.#subscribers[index];
      if (subscriber?.hasCredit()) {
        this.#turn = index + 1;
        return subscriber;
      }
    }
    return undefined;
  }

  /** Messages come back mostly oldest first, so the search for their place begins at the end. */
  #insert(message: StoredMessage): void {
    const returned = this.#returned;
    const first = returned.at(0);
    if (first !== undefined && message.position < first.position) {
      returned.unshift(message);
      return;
    }
    returned.push(message);
    for (let index = returned.length - 1; index > 0; index--) {
      const before = returned.at(index - 1);
      if (before === undefined || before.position < message.position) break;
      returned.set(index, before);
      returned.set(index - 1, message);
    }
  }

  #first(): StoredMessage | undefined {
    return this.#returned.at(0) ?? this.#fresh.at(0);
  }

  #takeFirst(): StoredMessage | undefined {
    return this.#returned.shift() ?? this.#fresh.shift();
  }

  /** Waits for the first message's time; what comes behind it expires later. */
  #arm(): void {
    const first = this.#first();
    if (!this.#timed || this.#lifeMs === undefined || this.#timer !== undefined || first === undefined) return;
    const waitMs = Math.ceil(first.expiresAt - performance.now());
    this.#timer = setTimeout(this.#ring, Math.min(Math.max(0, waitMs), LONGEST_TIMEOUT_MS));
  }

  /** What came back may expire before what the timer waits for. */
  #rearm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#arm();
  }

  readonly #ring = (): void => {
    this.#timer = undefined;
    this.#expire(SLICE);
    this.#arm();
  };

  #expire(most: number): void {
    if (this.#lifeMs === undefined) return;
    const now = performance.now();
    for (let left = most; left > 0; left--) {
      const first = this.#first();
      if (first === undefined || first.expiresAt > now) return;
      this.#takeFirst();
      this.kill(first, 'expired');
    }
  }

  #dropOldest(): void {
    const oldest = this.#takeFirst();
    if (oldest !== undefined) this.kill(oldest, 'maxlen');
  }
}
