const LEAST_MS = 5;
/** Batches end in any order; what has not ended after so many usual batches is a straggler. */
const USUAL_BATCHES = 2;

/**
 * How long acks wait for a straggler, so that they go out as one: twice as long as a batch usually takes, at least 5 ms.
 * After that its neighbours are acked one by one, whenever they are done. An ack that waits costs latency, and a message
 * delivered twice when the process dies; one that goes alone costs the broker.
 *
 * Cost: nothing while batches end in order; otherwise one timer at a time.
 */
export class AckPatience {
  readonly #usualMs: () => number;
  readonly #over: () => void;
  #straggler = 0;
  #sinceMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param usualMs - what a batch usually takes from its dispatch to its answer
   * @param over - called when it may be over
   */
  constructor(usualMs: () => number, over: () => void) {
    this.#usualMs = usualMs;
    this.#over = over;
  }

  /**
   * True when acks have waited for long enough.
   * @param straggler - the tag that they wait for; 0 when none waits
   */
  isOver(straggler: number): boolean {
    if (straggler === 0) {
      this.#straggler = 0;
      return false;
    }
    const now = performance.now();
    if (straggler !== this.#straggler) {
      this.#straggler = straggler;
      this.#sinceMs = now;
    }
    const limitMs = Math.max(LEAST_MS, USUAL_BATCHES * this.#usualMs());
    const leftMs = this.#sinceMs + limitMs - now;
    if (leftMs > 0) this.#wake(leftMs);
    return leftMs <= 0;
  }

  /** Nothing waits any more: the epoch is over. */
  reset(): void {
    this.#straggler = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wake(inMs: number): void {
    if (this.#timer !== undefined) return; // it looks again when it rings
    const ring = (): void => {
      this.#timer = undefined;
      if (this.#straggler !== 0) this.#over();
    };
    this.#timer = setTimeout(ring, Math.ceil(inMs)).unref();
  }
}
