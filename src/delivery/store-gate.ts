import type { RuntimeError } from '../errors/runtime-error.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';

const FIRST_PROBE_MS = 50;
const SLOWEST_PROBE_MS = 5_000;

/** `open`: batches go out · `away`: the store did not answer, a probe looks for it · `stopped`: no more probes. */
export type StoreGateState = 'open' | 'away' | 'stopped';

const NEXT: Readonly<Record<StoreGateState, readonly StoreGateState[]>> = {
  open: ['away', 'stopped'],
  away: ['open', 'stopped'],
  stopped: [],
};

/**
 * Holds batches back while the store is away: nothing is acked, dead-lettered or counted as an attempt. A probe asks
 * for the store with full-jitter back-off from 50 ms to 5 s. A store that answers probes but takes no writes is backed
 * off from as well: the pace falls back to the fastest only after a batch was stored.
 */
export class StoreGate {
  readonly #store: Store | undefined;
  readonly #logger: Logger;
  readonly #opened: () => void;
  #state: StoreGateState = 'open';
  #reason: string | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param opened - called when batches may go out again */
  constructor(store: Store | undefined, logger: Logger, opened: () => void) {
    this.#store = store;
    this.#logger = logger;
    this.#opened = opened;
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** Why it is closed. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** A batch came back unknown. */
  away(reason: string): void {
    if (this.#state !== 'open') return;
    this.#move('away');
    this.#reason = reason;
    this.#logger.warn({ reason }, 'the store is away: consumption pauses, a probe looks for it');
    this.#probeLater();
  }

  /** A batch with effects was stored. */
  stored(): void {
    this.#failures = 0;
  }

  stop(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    if (this.#state !== 'stopped') this.#move('stopped');
  }

  #probeLater(): void {
    const ceiling = Math.min(SLOWEST_PROBE_MS, FIRST_PROBE_MS * 2 ** this.#failures);
    this.#failures++;
    this.#timer = setTimeout(() => void this.#probe(), Math.random() * ceiling);
  }

  async #probe(): Promise<void> {
    try {
      await this.#store?.ping();
    } catch (error) {
      if (this.#state !== 'away') return;
      this.#reason = (error as RuntimeError).message;
      this.#probeLater();
      return;
    }
    if (this.#state !== 'away') return;
    this.#move('open');
    this.#reason = undefined;
    this.#logger.info({ probes: this.#failures }, 'the store answers again: consumption resumes');
    this.#opened();
  }

  #move(to: StoreGateState): void {
    if (!NEXT[this.#state].includes(to)) throw new Error(`store gate: ${this.#state} cannot become ${to}`);
    this.#state = to;
  }
}
