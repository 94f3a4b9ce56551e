import { build, type Histogram } from 'hdr-histogram-js';
import type { HandOverLatency } from '../contenders/contender.ts';

const MICROS_PER_MS = 1000;

/** Latencies in an HDR histogram: microseconds, three significant digits, up to an hour. */
export class LatencyRecorder {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3_600_000_000,
    numberOfSignificantValueDigits: 3,
  });

  record(ms: number, count = 1): void {
    this.#histogram.recordValueWithCount(Math.max(0, Math.round(ms * MICROS_PER_MS)), count);
  }

  /** ms below which so many percent are; NaN when nothing was recorded. */
  at(percentile: number): number {
    if (this.#histogram.totalCount === 0) return Number.NaN;
    return this.#histogram.getValueAtPercentile(percentile) / MICROS_PER_MS;
  }

  /** undefined when nothing was recorded. */
  snapshot(): HandOverLatency | undefined {
    if (this.#histogram.totalCount === 0) return undefined;
    const ms = (micros: number): number => micros / MICROS_PER_MS;
    return {
      p50: ms(this.#histogram.getValueAtPercentile(50)),
      p99: ms(this.#histogram.getValueAtPercentile(99)),
      max: ms(this.#histogram.maxValue),
    };
  }
}
