import { build, type Histogram } from 'hdr-histogram-js';

/** Five minutes: what takes longer counts as this. */
const LONGEST_MICROS = 300_000_000;

export interface LatencyPercentiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * A latency distribution that is fed a batch at a time. hdr-histogram-js rather than Node's own histogram, because it
 * records a value with a count: one call for all messages of one socket read.
 */
export class LatencyRecorder {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_MICROS,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });

  /** @param count - messages with this latency */
  record(ms: number, count: number): void {
    const micros = Math.min(LONGEST_MICROS, Math.max(1, Math.round(ms * 1000)));
    this.#histogram.recordValueWithCount(micros, count);
  }

  snapshot(): LatencyPercentiles {
    const max = this.#histogram.maxValue;
    // A percentile is the upper end of its bucket, which may lie above the largest value in it.
    const at = (percentile: number): number => Math.min(max, this.#histogram.getValueAtPercentile(percentile)) / 1000;
    return { p50Ms: at(50), p99Ms: at(99), maxMs: max / 1000 };
  }
}
