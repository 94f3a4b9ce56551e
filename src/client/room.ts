/** Of its size: so much must be free before a full room is entered again. */
const REFILL_SHARE = 1 / 8;

/**
 * Counts the messages of one call that are on their way, and waits for room or for the end. A full room is entered again
 * once an eighth of it is free, so that messages leave many in one write, however the broker confirms them.
 */
export class Room {
  readonly #size: number;
  readonly #refillAt: number;
  #inside = 0;
  #wake: (() => void) | undefined;

  constructor(size: number) {
    this.#size = size;
    this.#refillAt = size - Math.max(1, Math.floor(size * REFILL_SHARE));
  }

  get full(): boolean {
    return this.#inside >= this.#size;
  }

  enter(): void {
    this.#inside++;
  }

  leave(): void {
    this.#inside--;
    this.#wake?.();
  }

  async freed(): Promise<void> {
    while (this.#inside > this.#refillAt) await this.#changed();
  }

  async emptied(): Promise<void> {
    while (this.#inside > 0) await this.#changed();
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
