/**
 * A queue that grows and shrinks at both ends in constant time: a ring of slots, doubled when it is full.
 *
 *     slots   5  6  ·  ·  2  3  4      head = index of the first, length = 5
 *                         ▲ head
 *
 * Cost: `at` and `set` are constant too; memory is that of the fullest moment until `clear`.
 * An Array's shift moves or copies what is left once it is long.
 */
export class Deque<T> {
  #slots: (T | undefined)[] = new Array<T | undefined>(16).fill(undefined);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length++) & (this.#slots.length - 1)] = value;
  }

  unshift(value: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = value;
    this.#length++;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const value = this.#slots[this.#head];
    this.#slots[this.#head] = undefined; // or the ring would keep it from the garbage collector
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length--;
    return value;
  }

  /** The value at `index` from the front; undefined outside. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.#length) return undefined;
    return this.#slots[(this.#head + index) & (this.#slots.length - 1)];
  }

  /** Replaces the value at `index` from the front, which must be inside. */
  set(index: number, value: T): void {
    if (index < 0 || index >= this.#length) throw new RangeError(`index ${index} of ${this.#length}`);
    this.#slots[(this.#head + index) & (this.#slots.length - 1)] = value;
  }

  clear(): void {
    this.#slots = new Array<T | undefined>(16).fill(undefined);
    this.#head = 0;
    this.#length = 0;
  }

  #grow(): void {
    const old = this.#slots;
    const grown = old.slice(this.#head).concat(old.slice(0, this.#head));
    grown.length = old.length * 2;
    grown.fill(undefined, old.length);
    this.#slots = grown;
    this.#head = 0;
  }
}
