import type { ErrorCode } from '../errors/codes.ts';
import { toWireError, type WireError } from '../errors/wire-error.ts';
import { retryAfterOf } from '../task/retry-after.ts';

/** Texts of an error go into headers of a dead letter and into memory by the thousand: longer ones are cut. */
const LONGEST_MESSAGE = 2_000;
const LONGEST_STACK = 4_000;

/** Errors that we make where nothing of the user's code is to blame: their stack would show only our own. */
const WITHOUT_STACK: readonly string[] = ['E_BODY_UNDECODABLE', 'E_TASK_RETRY_LATER'];

/** An attempt that failed, why, and how long the next one is to wait where something other than the policy says so. */
export class Failure {
  readonly error: WireError;
  readonly delayMs: number | undefined;

  constructor(error: WireError, delayMs?: number) {
    this.error = error;
    this.delayMs = delayMs;
  }
}

/** A failure found by the runtime itself: no stack, which would only show our own code. */
export function failure(code: ErrorCode, message: string): Failure {
  return new Failure({ name: 'RuntimeError', code, message: cut(message, LONGEST_MESSAGE) });
}

/**
 * A failure from whatever a handler or a codec threw, however odd it is.
 * @param delayMs - asked for by the task itself; else the error's own `retryAfter` counts
 */
export function failureOf(thrown: unknown, delayMs: number | undefined = retryDelayOf(thrown)): Failure {
  const { stack, ...bare } = wireOf(thrown, 'E_TASK_FAILED');
  return new Failure(stack === undefined || WITHOUT_STACK.includes(bare.code) ? bare : { ...bare, stack }, delayMs);
}

function retryDelayOf(thrown: unknown): number | undefined {
  try {
    return retryAfterOf(thrown, Date.now());
  } catch {
    return undefined; // a property that throws when it is read asks for nothing
  }
}

/** `toWireError` with bounded texts; also for errors whose own getters throw. */
export function wireOf(thrown: unknown, fallback: ErrorCode): WireError {
  try {
    return shorten(toWireError(thrown, fallback));
  } catch {
    return { name: 'Error', code: fallback, message: 'the thrown error cannot be read: one of its properties throws' };
  }
}

function shorten(wire: WireError): WireError {
  return {
    ...wire,
    code: cut(wire.code, 100),
    message: cut(wire.message, LONGEST_MESSAGE),
    ...(wire.stack === undefined ? {} : { stack: cut(wire.stack, LONGEST_STACK) }),
    ...(wire.cause === undefined ? {} : { cause: shorten(wire.cause) }),
  };
}

export function cutReason(reason: string): string {
  return cut(reason, LONGEST_MESSAGE);
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length} characters)`;
}
