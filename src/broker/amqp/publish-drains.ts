/** Tells when all messages that were handed over before a moment are settled, in whatever order they are. */
export class PublishDrains {
  readonly #waiting = new Set<{ readonly before: number; left: number; readonly resolve: () => void }>();
  #handedOver = 0;
  #unsettled = 0;

  /** A message was handed over. @returns how many were before it */
  add(): number {
    this.#unsettled++;
    return this.#handedOver++;
  }

  /** It is settled, and whoever waits for it has been told. @param order - what `add` said of it */
  settled(order: number): void {
    this.#unsettled--;
    for (const drain of this.#waiting) {
      if (order >= drain.before || --drain.left > 0) continue;
      this.#waiting.delete(drain);
      drain.resolve();
    }
  }

  drained(): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.add({ before: this.#handedOver, left: this.#unsettled, resolve });
    });
  }
}
