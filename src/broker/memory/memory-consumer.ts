import { RuntimeError } from '../../errors/runtime-error.ts';
import type { Consumer, ConsumerOptions, DeliverySink, RawDelivery } from '../broker.ts';
import type { ConnectionMember, MemoryConnection } from './memory-connection.ts';
import type { MemoryQueue, QueueSubscriber } from './memory-queue.ts';
import type { MemoryVirtualHost, QueueWatcher } from './memory-virtual-host.ts';
import type { StoredMessage } from './stored-message.ts';
import { UnackedWindow } from './unacked-window.ts';

type ConsumerState = 'waiting' | 'open' | 'cancelled' | 'refused' | 'closed';

const NEXT = {
  waiting: ['open', 'closed'],
  open: ['waiting', 'cancelled', 'refused', 'closed'],
  cancelled: ['refused', 'closed'],
  refused: ['waiting', 'closed'],
  closed: [],
} as const satisfies Record<ConsumerState, readonly ConsumerState[]>;

const ACK = 0;
const ACK_MULTIPLE = 1;
const REJECT = 2;
const REQUEUE = 3;

/**
 * One queue's consumer in this process, with the unacked list that RabbitMQ keeps for its channel.
 *
 *     waiting ──connection and queue are there──▶ open ──cancel()──▶ cancelled
 *        ▲                                          │                   │
 *        ├──connection lost, queue deleted──────────┤                   │
 *        └──told of it◀── refused ◀──unknown tag────┴───────────────────┘      closed from anywhere
 *
 * `refused`: an ack named a tag that is not outstanding, so the broker side has closed the channel and taken
 * everything back; the sink hears of it in the next macrotask, as it would over a network.
 * A cancelled consumer whose epoch ends is closed: it opens no other.
 */
export class MemoryConsumer implements Consumer, ConnectionMember, QueueSubscriber, QueueWatcher {
  readonly queue: string;
  readonly #host: MemoryVirtualHost;
  readonly #connection: MemoryConnection;
  readonly #sink: DeliverySink;
  readonly #delivery: RawDelivery = {
    tag: 0,
    redelivered: false,
    source: Buffer.alloc(0),
    propertiesStart: 0,
    propertiesEnd: 0,
    bodyStart: 0,
    bodyEnd: 0,
  };
  #state: ConsumerState = 'waiting';
  /** False once cancelled: no further epoch is opened. */
  #wanted = true;
  #prefetch: number;
  #epochs = 0;
  #staleAcks = 0;
  #unacked = new UnackedWindow();
  #subscribed: MemoryQueue | undefined;
  /** Kind and tag of each ack not yet flushed, in turn. */
  #buffered: number[] = [];
  #firstEpoch: (() => void) | undefined;
  #abandoned: ((error: RuntimeError) => void) | undefined;
  /** Resolves when the first epoch is open; rejects when the consumer is closed before. */
  readonly opened: Promise<void>;

  constructor(host: MemoryVirtualHost, connection: MemoryConnection, options: ConsumerOptions, sink: DeliverySink) {
    this.queue = options.queue;
    this.#host = host;
    this.#connection = connection;
    this.#prefetch = options.prefetch;
    this.#sink = sink;
    this.opened = new Promise((resolve, reject) => {
      this.#firstEpoch = resolve;
      this.#abandoned = reject;
    });
  }

  /** Joins connection and queue, and opens the first epoch as soon as both are there. */
  begin(): void {
    this.#connection.members.add(this);
    this.#host.watch(this.queue, this);
    this.#openEpoch();
  }

  get epoch(): number {
    return this.#state === 'open' || this.#state === 'cancelled' || this.#state === 'refused' ? this.#epochs : 0;
  }

  get staleAcks(): number {
    return this.#staleAcks;
  }

  ack(epoch: number, tag: number, multiple: boolean): void {
    this.#buffer(epoch, multiple ? ACK_MULTIPLE : ACK, tag);
  }

  nack(epoch: number, tag: number, requeue: boolean): void {
    this.#buffer(epoch, requeue ? REQUEUE : REJECT, tag);
  }

  flush(): void {
    if (this.#buffered.length === 0 || this.#state === 'refused') return;
    const buffered = this.#buffered;
    this.#buffered = [];
    const queue = this.#subscribed;
    const returned: StoredMessage[] = [];
    for (let index = 0; index < buffered.length; index += 2) {
      const tag = buffered[index + 1] ?? 0;
      if (this.#settle(buffered[index] ?? ACK, tag, returned)) continue;
      this.#staleAcks += (buffered.length - index) / 2 - 1;
      this.#refuse(tag);
      break;
    }
    if (returned.length > 0) queue?.giveBack(returned);
    queue?.schedule();
  }

  async cancel(): Promise<void> {
    this.#wanted = false;
    if (this.#state === 'waiting') this.#end();
    if (this.#state === 'open') {
      this.#move('cancelled');
      this.#subscribed?.unsubscribe(this);
    }
    await nextMacrotask();
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.flush();
    this.#endEpoch(undefined, 'closed');
    await nextMacrotask();
  }

  async adjust(prefetch: number): Promise<void> {
    this.#prefetch = Math.max(prefetch, this.#prefetch);
    this.#subscribed?.schedule();
    await nextMacrotask();
  }

  async resize(prefetch: number): Promise<void> {
    this.#prefetch = prefetch;
    if (this.#state !== 'open') return;
    this.flush();
    if (this.#state !== 'open') return;
    this.#endEpoch(undefined, 'waiting');
    this.#openEpoch();
    await nextMacrotask();
  }

  hasCredit(): boolean {
    return this.#state === 'open' && !this.#connection.paused && this.#unacked.size < this.#prefetch;
  }

  push(message: StoredMessage): void {
    const delivery = this.#delivery;
    delivery.tag = this.#unacked.add(message);
    delivery.redelivered = message.returns > 0;
    delivery.source = message.source;
    delivery.propertiesEnd = message.propertiesEnd;
    delivery.bodyStart = message.propertiesEnd;
    delivery.bodyEnd = message.source.length;
    this.#sink.deliver(delivery);
  }

  pushEnded(): void {
    if (this.#state !== 'closed') this.#sink.readEnded();
  }

  connectionLost(error: RuntimeError): void {
    if (this.#state !== 'waiting' && this.#state !== 'closed') this.#endEpoch(error, 'waiting');
  }

  proceed(): void {
    this.#openEpoch();
    this.#subscribed?.schedule();
  }

  queueDeleted(): void {
    this.#unacked.takeAll(); // deleted with their queue
    this.#subscribed?.unsubscribe(this); // it may have a push planned
    this.#subscribed = undefined;
    if (this.#state === 'waiting' || this.#state === 'closed') return;
    const error = new RuntimeError(
      'E_BROKER_CONSUMER_CANCELLED',
      `queue '${this.queue}' was deleted: waiting for it to be declared`,
      {
        details: { queue: this.queue },
      },
    );
    this.#endEpoch(error, 'waiting');
  }

  queueDeclared(): void {
    this.#openEpoch();
  }

  #buffer(epoch: number, kind: number, tag: number): void {
    if (epoch === this.epoch && epoch !== 0) this.#buffered.push(kind, tag);
    else this.#staleAcks++;
  }

  /** False when the tag is not outstanding. Tag 0 with `multiple` means all, as in AMQP. */
  #settle(kind: number, tag: number, returned: StoredMessage[]): boolean {
    if (kind === ACK_MULTIPLE) {
      if (tag !== 0 && !this.#unacked.has(tag)) return false;
      this.#unacked.dropThrough(tag === 0 ? Number.POSITIVE_INFINITY : tag);
      return true;
    }
    const message = this.#unacked.take(tag);
    if (message === undefined) return false;
    if (kind === REQUEUE) returned.push(message);
    if (kind === REJECT) this.#subscribed?.kill(message, 'rejected');
    return true;
  }

  #refuse(tag: number): void {
    const epoch = this.#epochs;
    this.#move('refused');
    this.#leaveQueue();
    const error = new RuntimeError(
      'E_BROKER_CHANNEL_CLOSED',
      `the broker closed the channel of queue '${this.queue}': 406 unknown delivery tag ${tag}`,
      { details: { queue: this.queue, replyCode: 406, tag } },
    );
    setImmediate(() => {
      if (this.#state !== 'refused' || this.#epochs !== epoch) return;
      this.#endEpoch(error, 'waiting');
      this.#openEpoch();
    });
  }

  #openEpoch(): void {
    if (this.#state !== 'waiting' || !this.#connection.open || !this.#host.hasQueue(this.queue)) return;
    this.#move('open');
    this.#epochs++;
    this.#unacked = new UnackedWindow();
    this.#subscribed = this.#host.queue(this.queue);
    this.#sink.epochOpened(this.#epochs);
    this.#subscribed.subscribe(this);
    this.#firstEpoch?.();
  }

  /** Ends the epoch, if there is one, and tells the sink; a cancelled consumer is closed by it. */
  #endEpoch(reason: RuntimeError | undefined, next: 'waiting' | 'closed'): void {
    const ended = this.epoch;
    this.#staleAcks += this.#buffered.length / 2;
    this.#buffered = [];
    this.#leaveQueue();
    if (next === 'closed' || !this.#wanted) this.#end();
    else this.#move('waiting');
    if (ended !== 0) this.#sink.epochClosed(ended, reason);
  }

  #leaveQueue(): void {
    this.#subscribed?.unsubscribe(this);
    this.#subscribed?.giveBack(this.#unacked.takeAll());
    this.#subscribed = undefined;
  }

  #end(): void {
    this.#move('closed');
    this.#connection.members.delete(this);
    this.#host.unwatch(this.queue, this);
    this.#abandoned?.(
      new RuntimeError('E_STATE', `the consumer of queue '${this.queue}' was closed before its first epoch`),
    );
  }

  #move(next: ConsumerState): void {
    const allowed: readonly ConsumerState[] = NEXT[this.#state];
    if (!allowed.includes(next)) throw new Error(`a consumer that is ${this.#state} cannot become ${next}`);
    this.#state = next;
  }
}

function nextMacrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
