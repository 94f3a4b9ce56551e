import type { ErrorCode } from '../errors/codes.ts';
import { toWireError, type WireError } from '../errors/wire-error.ts';

/** Texts of an error go into headers of a dead letter and into memory by the thousand: longer ones are cut. */
const LONGEST_MESSAGE = 2_000;
const LONGEST_STACK = 4_000;

/** An attempt that failed, and why. */
export class Failure {
  readonly error: WireError;

  constructor(error: WireError) {
    this.error = error;
  }
}

/** A failure found by the runtime itself: no stack, which would only show our own code. */
export function failure(code: ErrorCode, message: string): Failure {
  return new Failure({ name: 'RuntimeError', code, message: cut(message, LONGEST_MESSAGE) });
}

/** A failure from whatever a handler or a codec threw, however odd it is. */
export function failureOf(thrown: unknown): Failure {
  const wire = wireOf(thrown, 'E_TASK_FAILED');
  return wire.code === 'E_BODY_UNDECODABLE' ? failure(wire.code, wire.message) : new Failure(wire);
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

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length} characters)`;
}
