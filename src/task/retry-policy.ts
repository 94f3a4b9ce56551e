import { RuntimeError } from '../errors/runtime-error.ts';
import { closestWord } from '../support/closest-word.ts';
import { type Duration, parseDuration } from '../support/duration.ts';

/**
 * How the delay grows from attempt to attempt. With a delay of 1 s, before attempts 2, 3, 4, 5, 6:
 * `fixed` 1 1 1 1 1 · `linear` 1 2 3 4 5 · `fibonacci` 1 2 3 5 8 · `exponential` 1 2 4 8 16.
 */
export type Backoff = 'fixed' | 'linear' | 'fibonacci' | 'exponential';

/**
 * How much of the delay is random, so that what failed together does not come back together. `none`: nothing ·
 * `equal`: the upper half, d/2 … d · `full`: all of it, 0 … d. (AWS Architecture Blog, "Exponential Backoff And Jitter".)
 */
export type Jitter = 'none' | 'equal' | 'full';

/** What is left open is taken from the queue's settings, then from the runtime's, then from the defaults below. */
export interface RetrySettings {
  /**
   * Attempts in all, the first included; then the message goes to the dead letters. 1: never again.
   * @defaultValue `3`
   * @remarks 1 to 1000, otherwise `E_OPTION_RANGE`.
   */
  readonly attempts?: number;
  /**
   * How the delay grows: `fixed`, `linear`, `fibonacci` or `exponential`.
   * @defaultValue `exponential`
   */
  readonly backoff?: Backoff;
  /**
   * Delay before the second attempt. Delays are kept by the broker in steps of 100 ms, rounded up: never early.
   * @defaultValue `1s`
   * @remarks Duration, 0ms to 19d, otherwise `E_OPTION_RANGE`.
   */
  readonly delay?: Duration;
  /**
   * No delay is longer than this, whatever the backoff says.
   * @defaultValue `5m`
   * @remarks Duration, 0ms to 19d, otherwise `E_OPTION_RANGE`.
   */
  readonly maxDelay?: Duration;
  /**
   * How much of the delay is random: `none`, `equal` or `full`.
   * @defaultValue `equal`
   */
  readonly jitter?: Jitter;
  /**
   * Errors that no further attempt can cure, by their `code` or their `name`: straight to the dead letters. Errors of
   * millrace that cannot be cured (a body that is no JSON, a document the store refuses, …) are always treated so.
   * @defaultValue none
   * @remarks At most 100 texts.
   */
  readonly never?: readonly string[];
}

/** RetrySettings with nothing left open. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly delayMs: number;
  readonly maxDelayMs: number;
  readonly jitter: Jitter;
  readonly never: readonly string[];
}

export const DEFAULT_RETRY = {
  attempts: 3,
  backoff: 'exponential',
  delayMs: 1_000,
  maxDelayMs: 300_000,
  jitter: 'equal',
  never: [],
} as const satisfies RetryPolicy;

/** Longest delay that the broker's delay levels hold (broker/delay-topology.ts has a little more), 19 days. */
export const LONGEST_DELAY_MS = 19 * 24 * 3_600_000;
const MOST_ATTEMPTS = 1_000;
const MOST_NEVER = 100;
const BACKOFFS: readonly Backoff[] = ['fixed', 'linear', 'fibonacci', 'exponential'];
const JITTERS: readonly Jitter[] = ['none', 'equal', 'full'];
const KEYS = ['attempts', 'backoff', 'delay', 'maxDelay', 'jitter', 'never'];

/** Settings over a policy: what they leave open stays as it is there; delays in whole ms. Expects checked settings. */
export function resolveRetry(settings: RetrySettings | undefined, base: RetryPolicy): RetryPolicy {
  if (settings === undefined) return base;
  return {
    attempts: settings.attempts ?? base.attempts,
    backoff: settings.backoff ?? base.backoff,
    delayMs: Math.ceil(parseDuration(settings.delay) ?? base.delayMs),
    maxDelayMs: Math.ceil(parseDuration(settings.maxDelay) ?? base.maxDelayMs),
    jitter: settings.jitter ?? base.jitter,
    never: settings.never ?? base.never,
  };
}

/**
 * Throws E_OPTION_TYPE, E_OPTION_RANGE or E_OPTION_UNKNOWN.
 * @param where - how the settings are called in the message, e.g. `task "resize": retry`
 */
export function checkRetry(settings: unknown, where: string): asserts settings is RetrySettings {
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings))
    throw new RuntimeError(
      'E_OPTION_TYPE',
      `${where} must be an object such as { attempts: 5 }, got ${show(settings)}`,
    );
  for (const key of Object.keys(settings)) {
    if (KEYS.includes(key)) continue;
    const near = closestWord(key, KEYS);
    const hint = near === undefined ? '' : `, did you mean "${near}"?`;
    throw new RuntimeError(
      'E_OPTION_UNKNOWN',
      `${where}: unknown option "${key}"${hint}; known are ${KEYS.join(', ')}`,
    );
  }
  const { attempts, backoff, delay, maxDelay, jitter, never } = settings as Readonly<Record<string, unknown>>;
  if (attempts !== undefined) checkAttempts(attempts, where);
  if (backoff !== undefined) checkWord(backoff, BACKOFFS, `${where}.backoff`);
  if (delay !== undefined) checkDelay(delay, `${where}.delay`);
  if (maxDelay !== undefined) checkDelay(maxDelay, `${where}.maxDelay`);
  if (jitter !== undefined) checkWord(jitter, JITTERS, `${where}.jitter`);
  if (never !== undefined) checkNever(never, where);
}

function checkAttempts(attempts: unknown, where: string): void {
  const expected = `${where}.attempts must be a whole number from 1 to ${MOST_ATTEMPTS}, got ${show(attempts)}`;
  if (typeof attempts !== 'number') throw new RuntimeError('E_OPTION_TYPE', expected);
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > MOST_ATTEMPTS)
    throw new RuntimeError('E_OPTION_RANGE', expected);
}

function checkWord(value: unknown, words: readonly string[], where: string): void {
  if (typeof value === 'string' && words.includes(value)) return;
  const code = typeof value === 'string' ? 'E_OPTION_RANGE' : 'E_OPTION_TYPE';
  throw new RuntimeError(code, `${where} must be one of ${words.join(', ')}, got ${show(value)}`);
}

function checkDelay(value: unknown, where: string): void {
  const ms = parseDuration(value);
  const expected = `${where} must be a duration from 0ms to 19 days: ms, or text such as '30s'; got ${show(value)}`;
  if (ms === undefined) throw new RuntimeError('E_OPTION_TYPE', expected);
  if (ms > LONGEST_DELAY_MS) throw new RuntimeError('E_OPTION_RANGE', expected);
}

function checkNever(never: unknown, where: string): void {
  const fits = Array.isArray(never) && never.length <= MOST_NEVER && never.every((entry) => typeof entry === 'string');
  if (!fits)
    throw new RuntimeError(
      'E_OPTION_TYPE',
      `${where}.never must be at most ${MOST_NEVER} error codes or names, got ${show(never)}`,
    );
}

function show(value: unknown): string {
  if (typeof value === 'string') return `"${value.slice(0, 40)}"`;
  if (typeof value === 'number') return String(value);
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
