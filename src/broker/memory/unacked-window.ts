import type { StoredMessage } from './stored-message.ts';

/**
 * The unacked messages of one epoch, by delivery tag, as the broker keeps them.
 *
 *     tag       41   42   43   44   45   46
 *     slot      m    ·    m    m    ·    m       · = acked before its neighbours
 *               ▲ lowest                     ▲ next
 *
 * Cost: constant per tag, an ack of many walks the tags it covers. The ring doubles while one old tag holds back the
 * others, so memory goes with the distance from the oldest unacked tag to the newest.
 */
export class UnackedWindow {
  #slots: (StoredMessage | undefined)[] = new Array<StoredMessage | undefined>(64).fill(undefined);
  #lowest = 1;
  #next = 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Gives the message the next tag. */
  add(message: StoredMessage): number {
    if (this.#next - this.#lowest === this.#slots.length) this.#grow();
    const tag = this.#next++;
    this.#slots[tag & (this.#slots.length - 1)] = message;
    this.#size++;
    return tag;
  }

  has(tag: number): boolean {
    return this.#at(tag) !== undefined;
  }

  /** Removes the message with this tag; undefined if it is not outstanding. */
  take(tag: number): StoredMessage | undefined {
    const message = this.#at(tag);
    if (message === undefined) return undefined;
    this.#slots[tag & (this.#slots.length - 1)] = undefined;
    this.#size--;
    this.#advance();
    return message;
  }

  /** Removes every message up to and with this tag. */
  dropThrough(tag: number): void {
    const mask = this.#slots.length - 1;
    for (let at = this.#lowest; at <= tag && at < this.#next; at++) {
      if (this.#slots[at & mask] === undefined) continue;
      this.#slots[at & mask] = undefined;
      this.#size--;
    }
    this.#advance();
  }

  /** Removes all, oldest first. */
  takeAll(): StoredMessage[] {
    const all: StoredMessage[] = [];
    const mask = this.#slots.length - 1;
    for (let tag = this.#lowest; tag < this.#next; tag++) {
      const message = this.#slots[tag & mask];
      if (message !== undefined) all.push(message);
      this.#slots[tag & mask] = undefined;
    }
    this.#lowest = this.#next;
    this.#size = 0;
    return all;
  }

  #at(tag: number): StoredMessage | undefined {
    if (tag < this.#lowest || tag >= this.#next) return undefined;
    return this.#slots[tag & (this.#slots.length - 1)];
  }

  #advance(): void {
    const mask = this.#slots.length - 1;
    while (this.#lowest < this.#next && this.#slots[this.#lowest & mask] === undefined) this.#lowest++;
  }

  #grow(): void {
    const old = this.#slots;
    const grown = new Array<StoredMessage | undefined>(old.length * 2).fill(undefined);
    for (let tag = this.#lowest; tag < this.#next; tag++) grown[tag & (grown.length - 1)] = old[tag & (old.length - 1)];
    this.#slots = grown;
  }
}
