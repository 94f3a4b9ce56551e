/** Something that waits for its turn at a gate. */
export interface Turn {
  /** Begins it; holds the gate itself when it goes on asynchronously. */
  begin(): void;
}

/**
 * Lets at most `limit` async calls of one task run at once in this thread, over all of its batches, first come first
 * served. A call that is over when it returns holds nothing, so sync handlers pay one comparison.
 */
export class ConcurrencyGate {
  readonly limit: number;
  #held = 0;
  #passing = false;
  readonly #waiting: Turn[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** False when a call must wait for its turn. */
  get open(): boolean {
    return this.#held < this.limit && this.#waiting.length === 0;
  }

  get held(): number {
    return this.#held;
  }

  hold(): void {
    this.#held++;
  }

  wait(turn: Turn): void {
    this.#waiting.push(turn);
  }

  /** Gives a place back and lets those that wait begin, as many as there is room for. */
  release(): void {
    this.#held--;
    if (this.#passing) return; // a turn that is over at once must not recurse into the next
    this.#passing = true;
    while (this.#held < this.limit && this.#waiting.length > 0) this.#waiting.shift()?.begin();
    this.#passing = false;
  }
}
