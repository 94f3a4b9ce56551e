import { parseDuration } from '../support/duration.ts';
import { LONGEST_DELAY_MS } from './retry-policy.ts';

const SECONDS = /^\d+$/;
/** As in HTTP, e.g. `Wed, 21 Oct 2026 07:28:00 GMT`; `Date.parse` alone takes nearly any text. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * The delay that an error asks for by its property `retryAfter`, whole ms, undefined where it asks for none:
 *
 *     a duration                  a number of ms, or text with a unit, as everywhere in millrace
 *     text of digits, `'120'`     seconds: what HTTP's header Retry-After holds
 *     an HTTP date, a Date        until then; a date that has passed: at once
 *
 * Anything else is ignored: errors come from other people's code. More than the longest delay is the longest delay.
 *
 * Throws only what reading the property throws.
 */
export function retryAfterOf(thrown: unknown, nowMs: number): number | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const ms = delayIn((thrown as { retryAfter?: unknown }).retryAfter, nowMs);
  return ms === undefined || Number.isNaN(ms) ? undefined : Math.min(LONGEST_DELAY_MS, Math.max(0, Math.ceil(ms)));
}

function delayIn(value: unknown, nowMs: number): number | undefined {
  if (value instanceof Date) return value.getTime() - nowMs;
  if (typeof value === 'string') {
    if (SECONDS.test(value)) return Number(value) * 1_000;
    if (HTTP_DATE.test(value)) return Date.parse(value) - nowMs;
  }
  return parseDuration(value);
}
