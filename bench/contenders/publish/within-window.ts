/** What has been sent and is not settled yet. */
class Unsettled {
  #count = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake = (): void => {};

  add(): void {
    this.#count++;
  }

  settle(error: unknown): void {
    this.#count--;
    if (error !== undefined && error !== null) this.#failure ??= { error };
    this.#wake();
  }

  /** Whether somebody who wants fewer than `limit` has to wait, or is to hear of an error. */
  needsWait(limit: number): boolean {
    return this.#count >= limit || this.#failure !== undefined;
  }

  /** Resolves when there are fewer; rejects after an error. */
  async fewerThan(limit: number): Promise<void> {
    while (this.#count >= limit && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/**
 * Sends one item after the other, with at most `window` of them unsettled: what every user of confirms has to write.
 * Resolves when all are settled; rejects with the first error, and sends nothing more after it.
 */
export async function withinWindow<T>(
  items: Iterable<T>,
  window: number,
  send: (item: T, settled: (error?: unknown) => void) => void,
): Promise<void> {
  const unsettled = new Unsettled();
  const settled = (error?: unknown): void => unsettled.settle(error);
  for (const item of items) {
    if (unsettled.needsWait(window)) await unsettled.fewerThan(window);
    unsettled.add();
    send(item, settled);
  }
  await unsettled.fewerThan(1);
}
