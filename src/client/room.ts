/** Counts the messages of one call that are on their way, and waits for room or for the end. */
export class Room {
  readonly #size: number;
  #inside = 0;
  #wake: (() => void) | undefined;

  constructor(size: number) {
    this.#size = size;
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
    while (this.full) await this.#changed();
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
