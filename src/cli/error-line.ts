import { isRuntimeError } from '../errors/runtime-error.ts';
import { redactSecrets } from '../support/redact.ts';
import { UsageError } from './command.ts';
import { CANNOT_START, FAILED, WRONG_USAGE } from './exit-code.ts';

/** What went wrong, as the command shows it. */
export interface Complaint {
  readonly exitCode: number;
  readonly text: string;
}

/**
 * An expected error is one line, `millrace: E_BROKER_AUTH: …`, without secrets. Anything else is a bug of millrace or
 * of the machine: it is shown with its stack.
 */
export function complain(error: unknown): Complaint {
  if (error instanceof UsageError)
    return { exitCode: WRONG_USAGE, text: `millrace: ${oneLine(error.message)}; see --help` };
  if (isRuntimeError(error)) {
    return { exitCode: exitCodeOf(error.code), text: `millrace: ${error.code}: ${oneLine(error.message)}` };
  }
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exitCode: FAILED, text: `millrace: unexpected: ${redactSecrets(shown)}` };
}

function exitCodeOf(code: string): number {
  if (code === 'E_SEND_INCOMPLETE' || code === 'E_DEAD_LETTERS_INCOMPLETE') return FAILED;
  return code.startsWith('E_OPTION_') ? WRONG_USAGE : CANNOT_START;
}

function oneLine(text: string): string {
  return redactSecrets(text.replaceAll(/\s*\n\s*/g, ' '));
}
