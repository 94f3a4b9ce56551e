/** Collects what was handled in one turn of the event loop, and acks all of it at once when the turn ends. */
export class AcksATurn {
  readonly #ack: (lastTag: number) => void;
  #last = 0;
  #scheduled = false;

  constructor(ack: (lastTag: number) => void) {
    this.#ack = ack;
  }

  /** Tags come in their order. */
  handled(tag: number): void {
    this.#last = tag;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#ack(this.#last);
    });
  }
}
