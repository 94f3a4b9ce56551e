import type { Paint, TerminalStream } from '../paint.ts';

const BAR_CELLS = 30;
const PLAIN_INTERVAL_MS = 2_000;
const REDRAW_INTERVAL_MS = 80;

/**
 * Shows how far a phase is: on a terminal one line that is drawn again, elsewhere a line every two seconds.
 * Cost: nothing between two drawings.
 */
export class ProgressLine {
  readonly #stream: TerminalStream;
  readonly #paint: Paint;
  readonly #label: string;
  readonly #total: number;
  readonly #startedAt = performance.now();
  #drawnAt = 0;

  constructor(stream: TerminalStream, paint: Paint, label: string, total: number) {
    this.#stream = stream;
    this.#paint = paint;
    this.#label = label;
    this.#total = total;
    this.#drawnAt = stream.isTTY === true ? 0 : this.#startedAt;
  }

  update(done: number): void {
    const now = performance.now();
    if (now - this.#drawnAt < (this.#stream.isTTY === true ? REDRAW_INTERVAL_MS : PLAIN_INTERVAL_MS)) return;
    this.#drawnAt = now;
    this.#draw(done, now);
  }

  /** Draws the end of the phase and leaves the line. */
  finish(done: number): void {
    this.#draw(done, performance.now());
    if (this.#stream.isTTY === true) this.#stream.write('\n');
  }

  #draw(done: number, now: number): void {
    const rate = Math.round(done / Math.max(0.001, (now - this.#startedAt) / 1000));
    const counts = `${group(done)} of ${group(this.#total)}  ${group(rate)}/s`;
    if (this.#stream.isTTY !== true) {
      this.#stream.write(`${this.#label}  ${counts}\n`);
      return;
    }
    const filled = Math.min(BAR_CELLS, Math.floor((done / this.#total) * BAR_CELLS));
    const bar = this.#paint('green', '█'.repeat(filled)) + this.#paint('dim', '░'.repeat(BAR_CELLS - filled));
    this.#stream.write(`\r\u001b[K${this.#label}  ${bar}  ${counts}`);
  }
}

/** 200000 → `200,000`. */
export function group(count: number): string {
  return count.toLocaleString('en-US');
}
