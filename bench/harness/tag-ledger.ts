/**
 * Which tags 1…n of one channel are settled, fed with acks as they are on the wire.
 * A tag that is settled twice, or outside 1…n, counts as unknown: RabbitMQ closes the channel for that.
 */
export class TagLedger {
  readonly #settled: Uint8Array;
  /** Every tag up to here is settled. */
  #prefix = 0;
  settled = 0;
  unknown = 0;

  readonly tags: number;

  constructor(tags: number) {
    this.tags = tags;
    this.#settled = new Uint8Array(tags + 1);
  }

  /** Calls `each` for every tag that this ack settles. */
  settle(tag: number, multiple: boolean, each?: (tag: number) => void): void {
    if (tag < 1 || tag > this.tags || this.#settled[tag] === 1) {
      this.unknown++;
      return;
    }
    for (let t = multiple ? this.#prefix + 1 : tag; t <= tag; t++) {
      if (this.#settled[t] === 1) continue;
      this.#settled[t] = 1;
      this.settled++;
      each?.(t);
    }
    while (this.#prefix < this.tags && this.#settled[this.#prefix + 1] === 1) this.#prefix++;
  }
}
