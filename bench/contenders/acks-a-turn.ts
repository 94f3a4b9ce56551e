/** Collects what was handled in one turn of the event loop, and acks all of it at once when the turn ends. */
export class AcksATurn<Delivery> {
  readonly #ack: (last: Delivery) => void;
  #last: Delivery | undefined;
  #scheduled = false;

  constructor(ack: (last: Delivery) => void) {
    this.#ack = ack;
  }

  /** Deliveries come in their order. */
  handled(delivery: Delivery): void {
    this.#last = delivery;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#ack(this.#last as Delivery);
    });
  }
}
