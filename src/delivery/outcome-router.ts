/**
 * What follows from how a task ended: the whole of it, as data and one pure function.
 *
 *     failed · timed-out · crashed   a counted attempt: another one after a delay, or the dead letters
 *     snoozed                        the same attempt after a delay
 *     expired                        the task's own queue for that, or the dead letters
 *     discarded · cancelled          nothing: the message is done with
 *     interrupted                    back to the queue, because this worker stops
 *     unknown                        run again here, because the store did not say what it has; or the same attempt a
 *                                    little later, where another transaction holds what the task wants to change
 */
import type { OutcomeKind } from '../batch/outcome-packer.ts';
import { ERROR_CODES, type ErrorCodeEntry } from '../errors/codes.ts';
import { backoffDelay } from '../task/backoff.ts';
import type { RetryPolicy } from '../task/retry-policy.ts';

/** Shortest wait for another transaction; up to three times as long, so that those that met do not meet again. */
const CONTENTION_MS = 1_000;

/** How an attempt ended, as far as it matters for what follows. */
export interface Ending {
  readonly kind: OutcomeKind;
  /** Of the error, where there is one. */
  readonly code: string | undefined;
  readonly errorName: string | undefined;
  /** The task, or its error, asked for this delay. */
  readonly delayMs: number | undefined;
  /** The attempt that ended, counted from 1. */
  readonly attempt: number;
  /** Times the message has waited for a worker that knows its task. */
  readonly waits: number;
  /** False when the message says of no task that it is for it: then no other worker knows better. */
  readonly namesTask: boolean;
}

export interface RoutingRules {
  readonly policy: RetryPolicy;
  readonly unknownTasks: { readonly waitMs: number; readonly limit: number };
}

/**
 * `settle` owes the ack at once · `retry` and `wait` owe it when the broker has confirmed the message for later, with the
 * next attempt or the same one · `dead-letter` and `expired` when it has confirmed it there · `run-again` keeps the
 * message here · `give-back` returns it to the queue.
 */
export type Route =
  | { readonly to: 'settle' | 'give-back' | 'run-again' | 'dead-letter' | 'expired' }
  | { readonly to: 'retry'; readonly delayMs: number }
  | { readonly to: 'wait'; readonly delayMs: number; readonly forTask: boolean };

const ROUTES = {
  failed: 'counted',
  'timed-out': 'counted',
  crashed: 'counted',
  snoozed: 'wait',
  expired: 'expired',
  discarded: 'settle',
  cancelled: 'settle',
  interrupted: 'give-back',
  unknown: 'run-again',
} as const satisfies Record<OutcomeKind, Route['to'] | 'counted'>;

/** @param random - 0 ≤ random < 1, for the jitter */
export function routeOutcome(ending: Ending, rules: RoutingRules, random: number): Route {
  const to = ROUTES[ending.kind];
  if (to === 'counted') return routeCounted(ending, rules, random);
  if (to === 'run-again' && ending.code === 'E_STORE_CONTENDED') {
    return { to: 'wait', delayMs: CONTENTION_MS * (1 + 2 * random), forTask: false };
  }
  if (to === 'wait') return { to, delayMs: ending.delayMs ?? 0, forTask: false };
  return { to };
}

function routeCounted(ending: Ending, { policy, unknownTasks }: RoutingRules, random: number): Route {
  if (ending.code === 'E_TASK_UNKNOWN') {
    if (!ending.namesTask || ending.waits >= unknownTasks.limit) return { to: 'dead-letter' };
    return { to: 'wait', delayMs: unknownTasks.waitMs, forTask: true };
  }
  if (ending.attempt >= policy.attempts || isHopeless(ending, policy)) return { to: 'dead-letter' };
  return { to: 'retry', delayMs: ending.delayMs ?? backoffDelay(policy, ending.attempt, random) };
}

/** No further attempt can end differently: the policy says so of this error, or our own catalogue does. */
function isHopeless({ code, errorName }: Ending, { never }: RetryPolicy): boolean {
  if (never.some((entry) => entry === code || entry === errorName)) return true;
  const catalogue: Readonly<Record<string, ErrorCodeEntry>> = ERROR_CODES;
  return code !== undefined && Object.hasOwn(catalogue, code) && catalogue[code]?.retryable === false;
}
