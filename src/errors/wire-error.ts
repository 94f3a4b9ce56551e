import { ERROR_CODES, type ErrorCode } from './codes.ts';
import { RuntimeError } from './runtime-error.ts';

/** An error as plain data: what crosses from a thread to the main thread, and into the headers of a dead letter. */
export interface WireError {
  readonly name: string;
  /** Our code, or the error's own string `code` where the user's error has one. */
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: WireError;
}

const DEEPEST_CAUSE = 4;

/**
 * Turns anything that was thrown into plain data.
 * @param fallback - the code given to a thrown value that has none of its own
 */
export function toWireError(thrown: unknown, fallback: ErrorCode, depth = 0): WireError {
  if (!(thrown instanceof Error)) return { name: 'NonError', code: fallback, message: describeThrown(thrown) };
  // Whoever threw it may have put anything into its fields.
  const { code, name, message } = thrown as { code?: unknown; name: unknown; message: unknown };
  const wire = {
    name: String(name),
    code: typeof code === 'string' ? code : fallback,
    message: String(message),
    ...(typeof thrown.stack === 'string' ? { stack: thrown.stack } : {}),
  };
  if (thrown.cause === undefined || depth >= DEEPEST_CAUSE) return wire;
  return { ...wire, cause: toWireError(thrown.cause, fallback, depth + 1) };
}

/** Turns plain data back into an error of ours, keeping the stack of the place where it was thrown. */
export function fromWireError(wire: WireError, fallback: ErrorCode): RuntimeError {
  const code = wire.code in ERROR_CODES ? (wire.code as ErrorCode) : fallback;
  const cause = wire.cause === undefined ? undefined : fromWireError(wire.cause, fallback);
  const error = new RuntimeError(code, wire.message, cause === undefined ? {} : { cause });
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}

function describeThrown(thrown: unknown): string {
  try {
    return `a ${typeof thrown} was thrown instead of an Error: ${String(thrown)}`;
  } catch {
    return `a ${typeof thrown} was thrown instead of an Error, and it cannot be shown as text`;
  }
}
