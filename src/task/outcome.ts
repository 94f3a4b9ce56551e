import type { Effect } from './effect.ts';

const OUTCOME = Symbol.for('millrace.Outcome');

/**
 * How an attempt ended, as a value. What follows from it is decided on the main thread, never by the task.
 *
 * | counted attempts                           | not counted            | final                           |
 * |--------------------------------------------|------------------------|---------------------------------|
 * | succeeded · failed · timed-out · crashed   | snoozed · interrupted  | discarded · cancelled · expired |
 *
 * A task makes `succeeded` and `failed` itself, mostly by just returning or throwing; the others are given to it.
 */
export type Outcome =
  | { readonly kind: 'succeeded'; readonly effects: readonly Effect[] }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'crashed' }
  | { readonly kind: 'snoozed'; readonly delayMs: number }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'discarded'; readonly reason: string }
  | { readonly kind: 'cancelled'; readonly reason: string };

export type SucceededOutcome = Extract<Outcome, { kind: 'succeeded' }>;
export type FailedOutcome = Extract<Outcome, { kind: 'failed' }>;

/** The task is done; its effects, if any, are written before the message is acknowledged. */
export function succeeded(...effects: readonly Effect[]): SucceededOutcome {
  return brand({ kind: 'succeeded', effects });
}

/** The task failed. The same as throwing `error`, for a row of a batch task, which cannot throw for itself alone. */
export function failed(error: unknown): FailedOutcome {
  return brand({ kind: 'failed', error });
}

/** True for what `succeeded` and `failed` return, and for nothing that merely looks like it. */
export function isOutcome(value: unknown): value is SucceededOutcome | FailedOutcome {
  return typeof value === 'object' && value !== null && OUTCOME in value;
}

/** The brand is not enumerable: outcomes compare and print as the plain data they are. */
function brand<T extends object>(outcome: T): T {
  return Object.defineProperty(outcome, OUTCOME, { value: true });
}
