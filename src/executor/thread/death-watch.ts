/** Threads that ended without having begun a batch: the module or the machine is at fault, and it will not get better. */
const MOST_BARREN_DEATHS = 10;
/** Threads that ended while they ran tasks: poisonous messages, each of which ends three threads and is then put away. */
const MOST_DEATHS = 100;
const WINDOW_MS = 60_000;

/**
 * Notices when threads die as fast as they are replaced, so that a fault that no replacement cures ends the worker
 * with a reason, instead of a loop that starts threads, or dead-letters one message after another, for ever.
 * A batch that finishes clears everything.
 */
export class DeathWatch {
  /** Times of deaths within the window, ms of any clock. */
  #barren: number[] = [];
  #all: number[] = [];

  /** A thread ended by itself; returns why no more should be started, undefined while all is bearable. */
  died(atMs: number, hadBegun: boolean): string | undefined {
    const recent = (time: number): boolean => time > atMs - WINDOW_MS;
    this.#all = [...this.#all.filter(recent), atMs];
    this.#barren = this.#barren.filter(recent);
    if (!hadBegun) this.#barren.push(atMs);
    const seconds = WINDOW_MS / 1000;
    if (this.#barren.length > MOST_BARREN_DEATHS) {
      return `${this.#barren.length} threads ended within ${seconds} s before they had begun a batch`;
    }
    if (this.#all.length > MOST_DEATHS)
      return `${this.#all.length} threads ended within ${seconds} s and no batch was finished`;
    return undefined;
  }

  finished(): void {
    if (this.#all.length === 0) return;
    this.#barren = [];
    this.#all = [];
  }
}
