/**
 * A set of few members that come and go all the time, in the order in which they came.
 *
 * Why no `Set`: V8 gives it a new table whenever the old one is full of deleted entries, and the old one keeps pointing at the new
 * one and at what was in it. Once a table has survived two collections, all that was added after it survives until the next full
 * one: with batches of 6 messages, 5,000 messages/s, that was a third of what grew between full collections, and
 * collections took 3.5 ms where they take 2.5 (docs/performance.md).
 *
 * Cost: `add` and `delete` look at every member; nothing is allocated.
 */
export class SmallSet<T> implements Iterable<T> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  /** Nothing changes where it is in already. */
  add(member: T): void {
    if (!this.#members.includes(member)) this.#members.push(member);
  }

  /** False where it was not in. */
  delete(member: T): boolean {
    const members = this.#members;
    const at = members.indexOf(member);
    if (at < 0) return false;
    members.copyWithin(at, at + 1); // `splice` would allocate
    members.pop();
    return true;
  }

  /** What is deleted meanwhile may hide the one behind it: copy where that can happen. */
  [Symbol.iterator](): Iterator<T> {
    return this.#members[Symbol.iterator]();
  }
}
