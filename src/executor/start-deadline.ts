import type { BatchReader } from '../batch/batch-reader.ts';
import { formatDuration } from '../support/duration.ts';

const SECOND_MS = 1_000;

/**
 * Why the reader's current message is too old to be started; undefined when it is not, which is always so after its
 * first attempt: work that has begun is brought to its end.
 *
 * Compared with the wall clock, because both limits are: the header `x-start-by`, and the property `timestamp` with the
 * task's `startWithin`. A timestamp may have been made at any moment of its second, so the youngest age counts.
 */
export function lateness(reader: BatchReader, startWithinMs: number | undefined, nowMs: number): string | undefined {
  const { startByMs, timestampMs, firstAttempt } = reader;
  if (!firstAttempt) return undefined;
  const ageMs = nowMs - timestampMs - (SECOND_MS - 1);
  const old = timestampMs === 0 ? '' : ` (it is ${seconds(ageMs)} old)`;
  if (startByMs !== 0 && nowMs > startByMs) {
    return `the message had to be started by ${new Date(startByMs).toISOString()}, and was picked up ${seconds(nowMs - startByMs)} after that${old}`;
  }
  if (startWithinMs === undefined || timestampMs === 0 || ageMs <= startWithinMs) return undefined;
  return `the message had to be started within ${formatDuration(startWithinMs)}, and was picked up when it was ${seconds(ageMs)} old`;
}

/** Whole seconds, rounded up: "0s late" would be no reason. */
function seconds(ms: number): string {
  return `${Math.ceil(Math.max(0, ms) / SECOND_MS)}s`;
}
