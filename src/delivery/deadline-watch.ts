import { RUNNING, TIMED_OUT, WRITING } from '../batch/ledger.ts';
import { monotonicNow } from '../support/monotonic.ts';
import type { Logger } from '../telemetry/logger.ts';
import { positionsOf, type RunInFlight } from './batch.ts';

const SLOWEST_LOOK_MS = 500;
const FASTEST_LOOK_MS = 10;
/** A batch that waits so long for its bulk write says that the store is slow. */
const SLOW_WRITE_MS = 5_000;

export interface DeadlineWatchParts {
  readonly runs: () => Iterable<RunInFlight>;
  /** Ends a thread; its runs come back as those of a thread that died. */
  readonly terminate: (threadId: number, reason: string) => void;
  readonly logger: Logger;
  /** The shortest time that any task may take, grace included, ms: the watch looks four times within it. */
  readonly shortestMs: number;
}

/**
 * Watches the tasks that threads run, from outside, through their ledgers: a task past its last moment is moved to
 * `timed-out`, which it cannot leave, and its thread is ended, because nothing else ends a loop. A task that is writing is
 * let be: it would be stored and retried both.
 *
 * Also notices bulk writes that take long: then the store is slow, and threads wait for it.
 *
 * Cost: some microseconds two to a hundred times a second, whatever the number of messages in a batch; nothing a message.
 */
export class DeadlineWatch {
  readonly #parts: DeadlineWatchParts;
  readonly #writingSince = new WeakMap<RunInFlight, number>();
  #timer: NodeJS.Timeout | undefined;
  #slowWriteMs: number | undefined;

  constructor(parts: DeadlineWatchParts) {
    this.#parts = parts;
  }

  /** How long the slowest bulk write has been going on, ms; undefined while none is slow. */
  get slowWriteMs(): number | undefined {
    return this.#slowWriteMs;
  }

  start(): void {
    const everyMs = Math.min(SLOWEST_LOOK_MS, Math.max(FASTEST_LOOK_MS, this.#parts.shortestMs / 4));
    this.#timer = setInterval(() => this.look(), everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One look at all runs. */
  look(): void {
    const now = monotonicNow();
    let slowest: number | undefined;
    for (const run of this.#parts.runs()) {
      if (run.ledger.threadId === 0) continue;
      const { running, writing } = this.#lookAt(run, now - run.openedMonotonicMs);
      if (running > 0 || writing === 0) this.#writingSince.delete(run);
      else slowest = Math.max(slowest ?? 0, now - this.#since(run, now));
    }
    this.#noteSlowWrite(slowest !== undefined && slowest >= SLOW_WRITE_MS ? slowest : undefined);
  }

  #lookAt(run: RunInFlight, atMs: number): { running: number; writing: number } {
    const { ledger } = run;
    let running = 0;
    let writing = 0;
    let late = 0;
    for (const index of positionsOf(run)) {
      const state = ledger.state(index);
      if (state === WRITING) writing++;
      if (state !== RUNNING) continue;
      running++;
      const lastMoment = ledger.lastMomentMs(index);
      if (lastMoment === 0 || atMs <= lastMoment || !ledger.move(index, RUNNING, TIMED_OUT)) continue;
      run.timedOut++;
      late++;
    }
    if (late > 0) {
      const what = late === 1 ? 'a task in it did not end' : `${late} tasks in it did not end`;
      this.#parts.terminate(ledger.threadId, `${what} within the timeout`);
    }
    return { running, writing };
  }

  #since(run: RunInFlight, now: number): number {
    const known = this.#writingSince.get(run);
    if (known !== undefined) return known;
    this.#writingSince.set(run, now);
    return now;
  }

  #noteSlowWrite(ms: number | undefined): void {
    const before = this.#slowWriteMs;
    this.#slowWriteMs = ms;
    if (ms !== undefined && before === undefined) {
      this.#parts.logger.warn({ waitedMs: Math.round(ms) }, 'the store is slow: a batch waits for its bulk write');
    } else if (ms === undefined && before !== undefined) {
      this.#parts.logger.info({ waitedMs: Math.round(before) }, 'the store is no longer slow');
    }
  }
}
