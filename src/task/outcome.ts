import { RuntimeError } from '../errors/runtime-error.ts';
import { type Duration, parseDuration } from '../support/duration.ts';
import type { Effect } from './effect.ts';
import { LONGEST_DELAY_MS } from './retry-policy.ts';

const OUTCOME = Symbol.for('millrace.Outcome');

/**
 * How an attempt ended, as a value. What follows from it is decided on the main thread, never by the task.
 *
 * | counted attempts                           | not counted            | final                           |
 * |--------------------------------------------|------------------------|---------------------------------|
 * | succeeded · failed · timed-out · crashed   | snoozed · interrupted  | discarded · cancelled · expired |
 *
 * A task makes `succeeded`, `failed`, `snoozed` and `discarded` itself, the first two mostly by just returning or
 * throwing; the others are given to it.
 */
export type Outcome =
  | { readonly kind: 'succeeded'; readonly effects: readonly Effect[] }
  | { readonly kind: 'failed'; readonly error: unknown; readonly delayMs?: number }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'crashed' }
  | { readonly kind: 'snoozed'; readonly delayMs: number }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'discarded'; readonly reason: string }
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'expired' };

export type SucceededOutcome = Extract<Outcome, { kind: 'succeeded' }>;
export type FailedOutcome = Extract<Outcome, { kind: 'failed' }>;
export type SnoozedOutcome = Extract<Outcome, { kind: 'snoozed' }>;
export type DiscardedOutcome = Extract<Outcome, { kind: 'discarded' }>;

/** The outcomes that a task can give: returned, thrown, or as the row of a batch task, always with the same meaning. */
export type GivenOutcome = SucceededOutcome | FailedOutcome | SnoozedOutcome | DiscardedOutcome;

/** The task is done; its effects, if any, are written before the message is acknowledged. */
export function succeeded(...effects: readonly Effect[]): SucceededOutcome {
  return brand({ kind: 'succeeded', effects });
}

/**
 * The task failed. The same as throwing `error`, for a row of a batch task, which cannot throw for itself alone.
 *
 * An error may say when to try again, by a property `retryAfter`, which then replaces the delay of the retry policy (its
 * number of attempts still holds, its maximum delay does not): a duration (a number is ms), a `Date`, or the text of an
 * HTTP header Retry-After as it came, seconds (`'120'`) or a date. What cannot be read is ignored.
 */
export function failed(error: unknown): FailedOutcome {
  return brand({ kind: 'failed', error });
}

/**
 * Not now: this attempt failed, with E_TASK_RETRY_LATER, and the next one comes after `delay` instead of the delay of
 * the retry policy. It is a counted attempt: after the policy's last one the message goes to the dead letters.
 *
 * Throws E_TASK_OUTCOME, which fails the task for good, for a delay that is no duration.
 * @param delay - 0ms to 19d; kept by the broker in steps of 100 ms, rounded up
 * @param reason - the error's message, for logs and dead letters
 */
export function retryLater(delay: Duration, reason = 'the task asked to be tried again later'): FailedOutcome {
  const call = 'retryLater(delay, reason)';
  const delayMs = checkedDelay(call, delay);
  return brand({ kind: 'failed', error: new RuntimeError('E_TASK_RETRY_LATER', checkedReason(call, reason)), delayMs });
}

/**
 * Not yet: the same attempt again after `delay`. No attempt is counted, so it may go on for ever; for waiting until
 * something is there, not for errors.
 *
 * Throws E_TASK_OUTCOME, which fails the task for good, for a delay that is no duration.
 * @param delay - 0ms to 19d; kept by the broker in steps of 100 ms, rounded up
 */
export function snooze(delay: Duration): SnoozedOutcome {
  return brand({ kind: 'snoozed', delayMs: checkedDelay('snooze(delay)', delay) });
}

/**
 * Never: the message is done with, no further attempt and no dead letter. The worker logs the reason with the task's
 * name and id; nothing else is left of the message.
 *
 * Throws E_TASK_OUTCOME, which fails the task for good, for a reason that is no text.
 */
export function discard(reason: string): DiscardedOutcome {
  return brand({ kind: 'discarded', reason: checkedReason('discard(reason)', reason) });
}

/** True for what the functions above return, and for nothing that merely looks like it. */
export function isOutcome(value: unknown): value is GivenOutcome {
  return typeof value === 'object' && value !== null && OUTCOME in value;
}

function checkedDelay(call: string, delay: unknown): number {
  const ms = parseDuration(delay);
  if (ms !== undefined && ms <= LONGEST_DELAY_MS) return Math.ceil(ms);
  throw new RuntimeError(
    'E_TASK_OUTCOME',
    `${call}: the delay must be a duration from 0ms to 19 days: ms, or text such as '30s'; got ${show(delay)}`,
  );
}

function checkedReason(call: string, reason: unknown): string {
  if (typeof reason === 'string' && reason !== '') return reason;
  throw new RuntimeError('E_TASK_OUTCOME', `${call}: the reason must be text, got ${show(reason)}`);
}

function show(value: unknown): string {
  if (typeof value === 'string') return `"${value.slice(0, 40)}"`;
  if (typeof value === 'number') return String(value);
  if (value === null || value === undefined) return String(value);
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}

/** The brand is not enumerable: outcomes compare and print as the plain data they are. */
function brand<T extends object>(outcome: T): T {
  return Object.defineProperty(outcome, OUTCOME, { value: true });
}
