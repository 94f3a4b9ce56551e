import { malformed } from './content-inbox.ts';

const SMALLEST_RING = 16;

/**
 * What was published on one channel and is not settled yet, by the tag that the broker counts it by: 1, 2, 3, …
 *
 *     tags      ·  ·  3  ·  ·  6  ·  8  9  10 │ 11        · settled    11 = the next one
 *     ring            └─── the last so many ──┘
 *     laggards  3        what was still open when its place in the ring was needed again
 *
 * So the memory is that of the messages in flight also where one of them is never settled and millions behind it are.
 * Cost: a store to add, a load to take; a map only for laggards.
 */
export class PublishWindow<T> {
  readonly #ring: (T | undefined)[];
  readonly #mask: number;
  readonly #laggards = new Map<number, T>();
  #next = 1;
  /** Nothing in the ring below this tag is open. */
  #oldest = 1;
  #size = 0;

  /** @param window - how many there are at most at a time */
  constructor(window: number) {
    const slots = Math.max(SMALLEST_RING, 2 ** Math.ceil(Math.log2(window)));
    this.#ring = new Array<T | undefined>(slots).fill(undefined);
    this.#mask = slots - 1;
  }

  /** How many are not settled. */
  get size(): number {
    return this.#size;
  }

  /** @returns its tag */
  add(item: T): number {
    const tag = this.#next++;
    const slot = tag & this.#mask;
    const displaced = this.#ring[slot];
    if (displaced !== undefined) this.#laggards.set(tag - this.#ring.length, displaced);
    this.#ring[slot] = item;
    this.#size++;
    return tag;
  }

  /** Takes out what a confirm or refusal is about, lowest tag first. Throws E_BROKER_PROTOCOL for a tag that is not out. */
  take(tag: number, multiple: boolean): T[] {
    if (tag >= this.#next) throw malformed(`got a confirm of message ${tag}, expected at most ${this.#next - 1}`);
    if (!multiple) return this.#takeOne(tag);
    return this.#takeUpTo(tag === 0 ? this.#next - 1 : tag); // 0 is AMQP's word for all of them
  }

  takeAll(): T[] {
    return this.#takeUpTo(this.#next - 1);
  }

  /** The first one from `tag` on that fits, and its tag, among those that are no laggards. */
  find(tag: number, fits: (item: T) => boolean): { readonly tag: number; readonly item: T } | undefined {
    for (let at = Math.max(tag, this.#ringStart()); at < this.#next; at++) {
      const item = this.#ring[at & this.#mask];
      if (item !== undefined && fits(item)) return { tag: at, item };
    }
    return undefined;
  }

  #takeOne(tag: number): T[] {
    const inRing = tag >= this.#ringStart();
    const item = inRing ? this.#ring[tag & this.#mask] : this.#laggards.get(tag);
    if (item === undefined) return [];
    if (inRing) this.#ring[tag & this.#mask] = undefined;
    else this.#laggards.delete(tag);
    this.#size--;
    return [item];
  }

  #takeUpTo(tag: number): T[] {
    const taken: T[] = [];
    for (const [late, item] of this.#laggards) {
      if (late > tag) break; // they are in the order of their tags
      this.#laggards.delete(late);
      taken.push(item);
    }
    for (let at = Math.max(this.#oldest, this.#ringStart()); at <= tag; at++) {
      const item = this.#ring[at & this.#mask];
      if (item === undefined) continue;
      this.#ring[at & this.#mask] = undefined;
      taken.push(item);
    }
    this.#oldest = Math.max(this.#oldest, tag + 1);
    this.#size -= taken.length;
    return taken;
  }

  /** The lowest tag that has a place in the ring. */
  #ringStart(): number {
    return Math.max(1, this.#next - this.#ring.length);
  }
}
