import { ERROR_CODES, type ErrorCode, type ErrorSeverity } from './codes.ts';

const BRAND = Symbol.for('millrace.RuntimeError');

export interface RuntimeErrorOptions {
  readonly cause?: unknown;
  /** Facts for machines, e.g. `{ queue: 'calls', replyCode: 406 }`. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * The one error class of millrace. Match on `code`, never on the message.
 *
 * The message says what was got, what was expected and what to do, in one line.
 * `instanceof` holds across two copies of the package, because the class is recognised by a registered symbol.
 */
export class RuntimeError extends Error {
  readonly code: ErrorCode;
  readonly severity: ErrorSeverity;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly [BRAND] = true;

  constructor(code: ErrorCode, message: string, options: RuntimeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RuntimeError';
    this.code = code;
    this.severity = ERROR_CODES[code].severity;
    this.retryable = ERROR_CODES[code].retryable;
    this.details = options.details ?? {};
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** True for an error of millrace, of the given code where one is given. */
export function isRuntimeError(value: unknown, code?: ErrorCode): value is RuntimeError {
  return value instanceof RuntimeError && (code === undefined || value.code === code);
}
