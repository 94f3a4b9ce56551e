import { METHOD, type RawSink, tagAt } from './raw-amqp.ts';
import { TagLedger } from './tag-ledger.ts';

/** What the broker has confirmed on a channel that only publishes: the sink of its connection. */
export class Confirms implements RawSink {
  refused = 0;
  readonly #tags: TagLedger;
  readonly #each: ((tag: number) => void) | undefined;
  #wake: () => void = () => {};

  /** @param each - called for every tag as it is confirmed */
  constructor(messages: number, each?: (tag: number) => void) {
    this.#tags = new TagLedger(messages);
    this.#each = each;
  }

  get count(): number {
    return this.#tags.settled;
  }

  /** Resolves when so many are confirmed. */
  async reached(count: number): Promise<void> {
    while (this.count < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  method(id: number, source: Buffer, start: number): void {
    if (id === METHOD.nack) this.refused++;
    this.#tags.settle(tagAt(source, start), source[start + 8] === 1, this.#each);
  }

  header(): void {}

  body(): void {}

  readEnded(): void {
    this.#wake();
  }
}
