/**
 * The load of the `live` scenario, in a process of its own: 50 publishers on one channel, as in the figures that this
 * reproduces. Each sends its next message only when the broker has confirmed its last one.
 * One channel also keeps the order: the n-th message published is the n-th delivered, with delivery tag n, so that the
 * time of its ack can be told from the tag.
 *
 *     harness ── order ──▶ publishers ── connected ──▶ ; ── go ──▶ … ── report ──▶ exit
 */

import { PublishBlock } from './publish-block.ts';
import { METHOD, method, methodId, RawConnection, tagAt, targetOf } from './raw-amqp.ts';
import { TagLedger } from './tag-ledger.ts';
import { nowMs } from './wire-watch.ts';

export interface PublishOrder {
  readonly amqpUrl: string;
  readonly queue: string;
  readonly seed: number;
  readonly messages: number;
  readonly publishers: number;
}

export interface PublishReport {
  /** When each message was handed to the socket, ms; in the order of their ids. */
  readonly publishTimes: Float64Array;
  readonly cpuMicros: number;
  readonly refused: number;
}

export type ToPublishers = { readonly kind: 'order'; readonly order: PublishOrder } | { readonly kind: 'go' };
export type FromPublishers =
  | { readonly kind: 'connected' }
  | { readonly kind: 'report'; readonly report: PublishReport };

class Publishers {
  readonly #connection: RawConnection;
  readonly #order: PublishOrder;
  readonly #block: PublishBlock;
  readonly #times: Float64Array;
  readonly #confirms: TagLedger;
  /** By tag: what the publisher of that message awaits. */
  readonly #waiting: ((() => void) | undefined)[];
  #next = 0;
  #refused = 0;

  constructor(connection: RawConnection, order: PublishOrder) {
    this.#connection = connection;
    this.#order = order;
    this.#block = new PublishBlock(order.queue, order.seed);
    this.#times = new Float64Array(order.messages);
    this.#confirms = new TagLedger(order.messages);
    this.#waiting = new Array<undefined>(order.messages + 1);
  }

  method(id: number, source: Buffer, start: number): void {
    if (id === METHOD.nack) this.#refused++;
    this.#confirms.settle(tagAt(source, start), source[start + 8] === 1, (tag) => {
      this.#waiting[tag]?.();
      this.#waiting[tag] = undefined;
    });
  }

  header(): void {}

  body(): void {}

  readEnded(): void {}

  async run(): Promise<PublishReport> {
    const cpu = process.cpuUsage();
    const loops = Array.from({ length: this.#order.publishers }, () => this.#loop());
    await Promise.race([Promise.all(loops), this.#connection.failed]);
    const used = process.cpuUsage(cpu);
    return { publishTimes: this.#times, cpuMicros: used.user + used.system, refused: this.#refused };
  }

  async #loop(): Promise<void> {
    while (this.#next < this.#order.messages) await this.#publish(this.#next++);
  }

  #publish(index: number): Promise<void> {
    const bytes = Buffer.allocUnsafe(this.#block.length);
    this.#block.writeTo(bytes, 0, index);
    this.#times[index] = nowMs();
    this.#connection.cork(); // those woken by the same confirm leave together
    this.#connection.write(bytes);
    return new Promise((resolve) => {
      this.#waiting[index + 1] = resolve;
    });
  }
}

function tell(message: FromPublishers): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

async function run(order: PublishOrder, go: Promise<void>): Promise<void> {
  const connection = await RawConnection.open(targetOf(order.amqpUrl));
  await connection.call(METHOD.confirmSelectOk, method(1, methodId(85, 10), Buffer.from([0])));
  const publishers = new Publishers(connection, order);
  connection.sink = publishers;
  await tell({ kind: 'connected' });
  await Promise.race([go, connection.failed]);
  const report = await publishers.run();
  await connection.close();
  await tell({ kind: 'report', report });
}

let begin: () => void = () => {};
const go = new Promise<void>((resolve) => {
  begin = resolve;
});
process.on('message', (message: ToPublishers) => {
  if (message.kind === 'go') return begin();
  run(message.order, go).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
// the harness has the report, or is gone
process.on('disconnect', () => process.exit());
