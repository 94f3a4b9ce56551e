import { setTimeout as wait } from 'node:timers/promises';
import { type Client, isRuntimeError, type SendFailure, type SendOptions } from '../../src/index.ts';
import { uuidV7 } from '../../src/support/uuid-v7.ts';
import type { SeededRandom } from '../../test/support/fault-seed.ts';
import { KIND_SPECS, type Kind, pickKind } from './message-kinds.ts';
import type { SentBook } from './sent-book.ts';
import { coldCounter } from './soak-ledger.ts';

export interface ProducerOptions {
  readonly queue: string;
  /** Messages a second, on average: after a pause it catches up. */
  readonly rate: number;
}

const TICK_MS = 20;
/** When it catches up, it does so at this many times its rate. */
const CATCH_UP = 5;
/** Sent and without an answer at once. */
const WINDOW = 4_000;
/** Of the sends that got no confirm so many are sent again with the same id; the others are left as they are. */
const SHARE_SENT_AGAIN = 0.8;
const PAUSE_BEFORE_AGAIN_MS = 100;
/** What a sender may expect while the broker comes and goes. */
const EXPECTED = new Set([
  'E_PUBLISH_UNCONFIRMED',
  'E_PUBLISH_NACKED',
  'E_PUBLISH_UNROUTABLE',
  'E_BROKER_UNREACHABLE',
  'E_BROKER_CONNECTION_CLOSED',
  'E_BROKER_QUEUE_MISSING',
]);
const LONGEST_DELAY_MS = 10_000;
const LARGEST_BYTES = 400_000;

/**
 * Sends a mix of messages at a steady rate and keeps the book of what was confirmed. What got no confirm is sent again
 * with the same id, mostly, as the guarantees ask of a sender.
 */
export class Producer {
  readonly #client: Client;
  readonly #book: SentBook;
  readonly #random: SeededRandom;
  readonly #options: ProducerOptions;
  readonly #sending = new Set<Promise<void>>();
  readonly #errors = new Map<string, number>();
  /** Number of the next message that is no counter's. */
  #next = 0;
  #planned = 0;
  /** Messages. */
  #unanswered = 0;
  #stopped = false;
  #again = 0;
  #running: Promise<void> | undefined;
  /** What must not happen: an error that no fault of ours explains. */
  readonly problems: string[] = [];

  constructor(client: Client, book: SentBook, random: SeededRandom, options: ProducerOptions) {
    this.#client = client;
    this.#book = book;
    this.#random = random;
    this.#options = options;
  }

  /** Sends that had to be made again. */
  get sentAgain(): number {
    return this.#again;
  }

  /** How sends failed, by code. */
  get errors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#errors);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves when every send has its answer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    while (this.#sending.size > 0) await Promise.all(this.#sending); // what is sent again joins them
  }

  /** Sends so many of a kind now; resolves when they are answered. */
  async sendNow(kind: Kind, count: number, queue?: string): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#track(this.#send(kind, queue))));
  }

  async #run(): Promise<void> {
    const { rate } = this.#options;
    const startedAt = performance.now();
    const most = Math.ceil((rate * CATCH_UP * TICK_MS) / 1_000);
    while (!this.#stopped) {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * rate);
      const now = Math.min(due - this.#planned, most, WINDOW - this.#unanswered);
      let inserts = 0;
      for (let n = 0; n < now; n++) {
        const kind = pickKind(this.#random.next());
        if (kind === 'insert') inserts++;
        else void this.#track(this.#send(kind));
      }
      if (inserts > 0) void this.#track(this.#sendInserts(inserts), inserts);
      this.#planned += Math.max(0, now);
      await wait(TICK_MS);
    }
  }

  #track(sending: Promise<void>, messages = 1): Promise<void> {
    this.#unanswered += messages;
    const done = sending.finally(() => {
      this.#unanswered -= messages;
      this.#sending.delete(done);
    });
    this.#sending.add(done);
    return done;
  }

  async #send(kind: Kind, queue = this.#options.queue): Promise<void> {
    const { keys } = KIND_SPECS[kind];
    const key = keys === 0 ? this.#next++ : this.#random.integer(0, keys);
    const id = uuidV7();
    this.#book.begin(id, kind, key);
    const { payload, delay } = this.#message(kind, key);
    await this.#untilConfirmed(kind, payload, { id, queue, ...(delay === undefined ? {} : { delay }) });
  }

  /** Most of them, together. `sendMany` makes the ids; those that it could not get confirmed are sent again one by one. */
  async #sendInserts(count: number): Promise<void> {
    const { queue } = this.#options;
    const first = this.#next;
    this.#next += count;
    const payloads = Array.from({ length: count }, (_, n) => this.#message('insert', first + n).payload);
    let ids: readonly string[] = [];
    let failures: readonly SendFailure[] = [];
    try {
      ids = await this.#client.sendMany(KIND_SPECS.insert.task, payloads, { queue });
    } catch (error) {
      if (!isRuntimeError(error, 'E_SEND_INCOMPLETE')) return void this.#failed('insert', error); // nothing of it was sent
      ids = error.details['ids'] as string[];
      failures = error.details['failures'] as SendFailure[];
      for (const { code } of failures) this.#countError(code);
    }
    ids.forEach((id, n) => this.#book.begin(id, 'insert', first + n));
    const unconfirmed = new Set(failures.map(({ id }) => id));
    for (const id of ids) if (!unconfirmed.has(id)) this.#book.confirm(id);
    for (const { index, id, code } of failures) {
      if (!EXPECTED.has(code)) this.problems.push(`sending many: ${code}`);
      if (this.#random.next() >= SHARE_SENT_AGAIN) this.#book.giveUp(id);
      else void this.#track(this.#untilConfirmed('insert', payloads[index], { id, queue }));
    }
  }

  /** Sends it as often as it takes; some are left as they are after a first failure. */
  async #untilConfirmed(kind: Kind, payload: unknown, options: SendOptions & { readonly id: string }): Promise<void> {
    const sendAgain = this.#random.next() < SHARE_SENT_AGAIN;
    for (;;) {
      try {
        await this.#client.send(KIND_SPECS[kind].task, payload, options);
        this.#book.confirm(options.id);
        return;
      } catch (error) {
        if (!this.#failed(kind, error) || !sendAgain) {
          this.#book.giveUp(options.id);
          return;
        }
        this.#again++;
        await wait(PAUSE_BEFORE_AGAIN_MS);
      }
    }
  }

  /** True where a fault of ours explains it. */
  #failed(kind: Kind, error: unknown): boolean {
    const code = isRuntimeError(error) ? error.code : String(error);
    this.#countError(code);
    if (EXPECTED.has(code)) return true;
    this.problems.push(`sending a '${kind}': ${String(error)}`);
    return false;
  }

  #countError(code: string): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  #message(kind: Kind, key: number): { readonly payload: unknown; readonly delay?: number } {
    switch (kind) {
      case 'large':
        return { payload: this.#largeBody(key) };
      case 'count-hot':
      case 'pair':
        return { payload: { counter: key } };
      case 'count-cold':
        return { payload: { counter: coldCounter(key) } };
      case 'delayed': {
        const delay = this.#random.integer(100, LONGEST_DELAY_MS);
        // The clock of the whole machine that nobody moves, as in the task.
        return { payload: { n: key, dueAt: Number(process.hrtime.bigint() / 1_000_000n) + delay }, delay };
      }
      case 'flaky':
        return { payload: { n: key, failures: this.#random.integer(1, 4) } };
      default:
        return { payload: { n: key, caller: '+31 20 555 0100', callee: '+31 20 555 0199', seconds: key % 3_600 } };
    }
  }

  #largeBody(key: number): Uint8Array {
    const body = Buffer.alloc(this.#random.integer(20_000, LARGEST_BYTES), this.#random.integer(0, 256));
    body.writeDoubleBE(key);
    return body;
  }
}
