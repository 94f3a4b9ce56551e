import { type Effect, isEffect } from '../task/effect.ts';
import { type DiscardedOutcome, type GivenOutcome, isOutcome, type SnoozedOutcome } from '../task/outcome.ts';
import { type Failure, failure, failureOf } from './failure.ts';

/** What a returned value means: the effects to write (none for a plain success), or how else the attempt ended. */
export type Verdict = readonly Effect[] | Failure | SnoozedOutcome | DiscardedOutcome;

export const NO_EFFECTS: readonly Effect[] = Object.freeze([]);

/**
 * What the return value of a handler means:
 *
 *     nothing, any plain value        succeeded; the value is not kept
 *     an effect, an array of effects  succeeded, once they are written
 *     an outcome: succeeded(…), …     as it says
 *     an Error                        failed: returning one is taken as throwing it, because dropping it would hide it
 *     effects mixed with other things failed, E_TASK_OUTCOME: nobody can tell what was meant; outcomes in an array too
 */
export function interpretReturn(value: unknown): Verdict {
  if (typeof value !== 'object' || value === null) return NO_EFFECTS;
  if (isEffect(value)) return [value];
  if (Array.isArray(value)) return interpretArray(value);
  if (isOutcome(value)) return interpretOutcome(value);
  if (value instanceof Error) return failureOf(value);
  return NO_EFFECTS;
}

/** What a thrown value, or the reason of a rejection, means: an outcome is the same as if it had been returned. */
export function interpretThrown(thrown: unknown): Verdict {
  try {
    if (isOutcome(thrown)) return interpretOutcome(thrown);
  } catch {
    // It throws when it is looked at, so it is no outcome of ours.
  }
  return failureOf(thrown);
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Why a batch handler's return value is no list of outcomes for its rows; undefined when it is one. */
export function rowsProblem(task: string, value: unknown, rows: number): Failure | undefined {
  if (Array.isArray(value) && value.length === rows) return undefined;
  const got = Array.isArray(value) ? `an array of ${value.length}` : describe(value);
  return failure(
    'E_TASK_OUTCOME',
    `batch task "${task}" got ${rows} rows and returned ${got}; expected an array with one entry for each row, or nothing`,
  );
}

function interpretOutcome(outcome: GivenOutcome): Verdict {
  if (outcome.kind === 'succeeded') return checkEffects(outcome.effects);
  return outcome.kind === 'failed' ? failureOf(outcome.error, outcome.delayMs) : outcome;
}

function interpretArray(values: readonly unknown[]): Verdict {
  if (values.some(isThenable)) {
    // The task has failed by returning them; if one rejects later, that must not end the thread as an unhandled rejection.
    for (const value of values) if (isThenable(value)) value.then(undefined, () => undefined);
    return mixed('a promise', values.findIndex(isThenable));
  }
  return values.some(isEffect) || values.some(isOutcome) ? checkEffects(values) : NO_EFFECTS;
}

function checkEffects(values: readonly unknown[]): Verdict {
  const stranger = values.findIndex((value) => !isEffect(value));
  return stranger === -1 ? (values as readonly Effect[]) : mixed(describe(values[stranger]), stranger);
}

function mixed(what: string, position: number): Failure {
  return failure(
    'E_TASK_OUTCOME',
    `the handler returned an array with ${what} at position ${position}; expected effects only, e.g. [insertOne(…), insertOne(…)], or await Promise.all(…)`,
  );
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (isEffect(value)) return 'a single effect';
  if (isOutcome(value)) return 'a single outcome';
  if (Array.isArray(value)) return 'an array';
  return value === undefined ? 'undefined' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}
