import type { Paint, TerminalStream } from './paint.ts';

const BAR_CELLS = 30;
const PLAIN_INTERVAL_MS = 2_000;
const REDRAW_INTERVAL_MS = 80;

export interface ProgressSettings {
  readonly label: string;
  readonly total: number;
  /** What ends sooner than this is not shown at all; 0 if not given. */
  readonly quietMs?: number;
}

/**
 * Shows how far a phase is: on a terminal one line that is drawn again, elsewhere a line every two seconds.
 * Cost: nothing between two drawings.
 */
export class ProgressLine {
  readonly #stream: TerminalStream;
  readonly #paint: Paint;
  readonly #settings: ProgressSettings;
  readonly #startedAt = performance.now();
  /** The next drawing is due an interval later. */
  #drawnAt: number;
  #shown = false;

  constructor(stream: TerminalStream, paint: Paint, settings: ProgressSettings) {
    this.#stream = stream;
    this.#paint = paint;
    this.#settings = settings;
    this.#drawnAt = stream.isTTY === true ? 0 : this.#startedAt;
  }

  update(done: number): void {
    const now = performance.now();
    if (now - this.#startedAt < (this.#settings.quietMs ?? 0)) return;
    if (now - this.#drawnAt < (this.#stream.isTTY === true ? REDRAW_INTERVAL_MS : PLAIN_INTERVAL_MS)) return;
    this.#drawnAt = now;
    this.#draw(done, now);
  }

  /** Draws the end of the phase and leaves the line. */
  finish(done: number): void {
    if (!this.#shown && this.#settings.quietMs !== undefined) return;
    this.#draw(done, performance.now());
    if (this.#stream.isTTY === true) this.#stream.write('\n');
  }

  #draw(done: number, now: number): void {
    this.#shown = true;
    const { label, total } = this.#settings;
    const rate = Math.round(done / Math.max(0.001, (now - this.#startedAt) / 1000));
    const counts = `${group(done)} of ${group(total)}  ${group(rate)}/s`;
    if (this.#stream.isTTY !== true) {
      this.#stream.write(`${label}  ${counts}\n`);
      return;
    }
    const filled = Math.min(BAR_CELLS, Math.floor((done / total) * BAR_CELLS));
    const bar = this.#paint('green', '█'.repeat(filled)) + this.#paint('dim', '░'.repeat(BAR_CELLS - filled));
    this.#stream.write(`\r\u001b[K${label}  ${bar}  ${counts}`);
  }
}

/** 200000 → `200,000`. */
export function group(count: number): string {
  return count.toLocaleString('en-US');
}
