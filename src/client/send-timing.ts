import { RuntimeError } from '../errors/runtime-error.ts';
import { type Duration, parseDuration } from '../support/duration.ts';
import { LONGEST_DELAY_MS } from '../task/retry-policy.ts';
import type { SendManyOptions } from './send-options.ts';

/** When the messages of a call are due, and until when they must have been started. */
export interface Timing {
  /** Ms that a message still has to wait, asked again when it goes out; undefined: it never had to. */
  readonly remainingMs: (() => number) | undefined;
  /** Unix ms; undefined: at once. */
  readonly dueAt: number | undefined;
  /** Unix ms. */
  readonly startBy: number | undefined;
}

const LONGEST_START_WITHIN_MS = 8_760 * 3_600_000;
const AT_ONCE: Pick<Timing, 'remainingMs' | 'dueAt'> = { remainingMs: undefined, dueAt: undefined };

/** Counts from now. Throws E_OPTION_TYPE or E_OPTION_RANGE. */
export function readTiming({ delay, at, startWithin }: SendManyOptions): Timing {
  if (delay !== undefined && at !== undefined)
    throw new RuntimeError('E_OPTION_RANGE', 'got both delay and at, expected one of them');
  const due = delay !== undefined ? dueAfter(delay) : at !== undefined ? dueAt(at) : AT_ONCE;
  if (startWithin === undefined) return { ...due, startBy: undefined };
  return { ...due, startBy: Math.ceil((due.dueAt ?? Date.now()) + startWithinMs(startWithin)) };
}

/** On the monotonic clock: a change of the wall clock makes no delay shorter. */
function dueAfter(delay: Duration): typeof AT_ONCE {
  const delayMs = parseDuration(delay);
  if (delayMs === undefined)
    throw new RuntimeError('E_OPTION_TYPE', `delay must be a duration: ms, or text such as '30s'; got ${show(delay)}`);
  if (delayMs === 0) return AT_ONCE;
  requireHeld(delayMs, 'delay');
  const due = performance.now() + delayMs;
  return { remainingMs: () => due - performance.now(), dueAt: Date.now() + delayMs };
}

function dueAt(at: Date | number): typeof AT_ONCE {
  const due = at instanceof Date ? at.getTime() : at;
  if (typeof due !== 'number' || !Number.isFinite(due))
    throw new RuntimeError('E_OPTION_TYPE', `at must be a valid Date or Unix ms, got ${show(at)}`);
  const remainingMs = (): number => due - Date.now();
  const delayMs = remainingMs();
  if (delayMs <= 0) return AT_ONCE;
  requireHeld(delayMs, 'at');
  return { remainingMs, dueAt: due };
}

function requireHeld(delayMs: number, option: string): void {
  if (delayMs <= LONGEST_DELAY_MS) return;
  throw new RuntimeError(
    'E_OPTION_RANGE',
    `${option} is ${Math.floor(delayMs / 86_400_000)} days away, expected at most 19 days: keep it in a store of your own ` +
      'and send it nearer its time, or in steps',
    { details: { delayMs } },
  );
}

function startWithinMs(startWithin: Duration): number {
  const ms = parseDuration(startWithin);
  const expected = `startWithin must be a duration from 1ms to 8760h: ms, or text such as '30s'; got ${show(startWithin)}`;
  if (ms === undefined) throw new RuntimeError('E_OPTION_TYPE', expected);
  if (ms < 1 || ms > LONGEST_START_WITHIN_MS) throw new RuntimeError('E_OPTION_RANGE', expected);
  return ms;
}

function show(value: unknown): string {
  return typeof value === 'string' ? `"${value.slice(0, 40)}"` : String(value);
}
