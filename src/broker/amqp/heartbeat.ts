/** What the heartbeat does to its connection. */
export interface HeartbeatActions {
  /** Nothing was sent for half an interval. */
  beat(): void;
  /** Nothing came for almost two intervals. */
  silent(): void;
}

/** Four looks at the clock an interval. */
const TICKS_PER_INTERVAL = 4;
const TICKS_TO_BEAT = 2;
/** Seven silent ticks are 1.75 to 2 intervals of silence: the promise is "within two". */
const TICKS_TO_DIE = 7;

/**
 * Keeps one connection's heartbeat, both ways.
 *
 * It counts ticks of a quarter interval rather than comparing times: after a long stall of the event loop, or of the whole
 * machine, one late tick fires, not many, so bytes that are waiting in the kernel are read before anybody is declared dead.
 *
 * While reading is paused on purpose the peer's heartbeats are not read either, so its silence says nothing: `pause`
 * suspends that half of the check. Cost: one timer a connection; `received` and `sent` are one assignment each.
 */
export class Heartbeat {
  readonly #actions: HeartbeatActions;
  #timer: NodeJS.Timeout | undefined;
  #silentTicks = 0;
  #unsentTicks = 0;
  #paused = false;

  constructor(actions: HeartbeatActions) {
    this.#actions = actions;
  }

  /** @param intervalSeconds - as negotiated; 0 for no heartbeat */
  start(intervalSeconds: number): void {
    if (intervalSeconds === 0) return;
    this.#timer = setInterval(() => this.#tick(), (intervalSeconds * 1000) / TICKS_PER_INTERVAL);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  received(): void {
    this.#silentTicks = 0;
  }

  sent(): void {
    this.#unsentTicks = 0;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#silentTicks = 0;
  }

  #tick(): void {
    this.#unsentTicks += 1;
    if (this.#unsentTicks >= TICKS_TO_BEAT) this.#actions.beat();
    if (this.#paused) return;
    this.#silentTicks += 1;
    if (this.#silentTicks >= TICKS_TO_DIE) this.#actions.silent();
  }
}
