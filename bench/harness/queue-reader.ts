/** Takes everything out of a queue after a publisher's run, to see what it had put there. */
import type { HandledSummary } from './handled-ledger.ts';
import { QueueTally } from './queue-tally.ts';
import {
  long,
  METHOD,
  method,
  methodId,
  RawConnection,
  type RawSink,
  short,
  shortString,
  targetOf,
} from './raw-amqp.ts';

const NO_ACK = 2;
const PERSISTENT = 2;

export interface ReadRequest {
  readonly amqpUrl: string;
  readonly queue: string;
  readonly seed: number;
  /** That were to be published. */
  readonly messages: number;
  /** That the broker says are there. */
  readonly queued: number;
}

export interface QueueContents {
  readonly handled: HandledSummary;
  /** Messages that a restart of the broker would lose. */
  readonly transient: number;
}

/** The delivery mode in a content header; undefined where it has none. */
export function deliveryModeIn(source: Buffer, start: number): number | undefined {
  const flags = source.readUInt16BE(start + 12);
  let at = start + 14;
  if ((flags & 0x8000) !== 0) at += 1 + (source[at] ?? 0); // content type
  if ((flags & 0x4000) !== 0) at += 1 + (source[at] ?? 0); // content encoding
  if ((flags & 0x2000) !== 0) at += 4 + source.readUInt32BE(at); // headers
  return (flags & 0x1000) === 0 ? undefined : source[at];
}

class Reader implements RawSink {
  readonly tally: QueueTally;
  readonly #done: () => void;
  readonly #queued: number;
  transient = 0;
  #missing = 0;
  #text = '';

  constructor(request: ReadRequest, done: () => void) {
    this.tally = new QueueTally(request.seed, request.messages);
    this.#queued = request.queued;
    this.#done = done;
  }

  method(): void {}

  header(source: Buffer, start: number): void {
    this.#missing = Number(source.readBigUInt64BE(start + 4));
    this.#text = '';
    if (deliveryModeIn(source, start) !== PERSISTENT) this.transient++;
    if (this.#missing === 0) this.#take();
  }

  body(source: Buffer, start: number, end: number): void {
    this.#missing -= end - start;
    this.#text += source.toString('latin1', start, end); // the payloads are ASCII; anything else is not one of them
    if (this.#missing === 0) this.#take();
  }

  readEnded(): void {}

  #take(): void {
    this.tally.take(this.#text);
    if (this.tally.taken === this.#queued) this.#done();
  }
}

export async function readQueue(request: ReadRequest): Promise<QueueContents> {
  const connection = await RawConnection.open(targetOf(request.amqpUrl));
  let done = (): void => {};
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const reader = new Reader(request, done);
  connection.sink = reader;
  if (request.queued > 0) {
    const consume = [short(0), shortString(request.queue), shortString(''), Buffer.from([NO_ACK]), long(0)];
    await connection.call(METHOD.consumeOk, method(1, methodId(60, 20), ...consume));
    await Promise.race([all, connection.failed]);
  }
  await connection.close();
  return { handled: reader.tally.summary(), transient: reader.transient };
}
