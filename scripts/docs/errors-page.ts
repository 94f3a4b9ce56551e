import { ERROR_CODES, type ErrorCodeEntry, type ErrorSeverity } from '../../src/errors/codes.ts';

const SEVERITIES: Readonly<Record<ErrorSeverity, string>> = {
  task: 'one message',
  channel: 'one consumer',
  connection: 'everything on one connection',
  fatal: 'the worker cannot run',
};

/** docs/reference/errors.md. */
export function errorsPage(): string {
  const entries: readonly (readonly [string, ErrorCodeEntry])[] = Object.entries(ERROR_CODES);
  return [
    '# Errors',
    '',
    'Generated from `src/errors/codes.ts`. Every error of millrace is a `RuntimeError` with a stable `code`: match on that,',
    'never on the message. Retryable means that the same thing may succeed later with nothing changed.',
    '',
    '| severity | how far the damage reaches |',
    '|---|---|',
    ...Object.entries(SEVERITIES).map(([severity, reach]) => `| ${severity} | ${reach} |`),
    '',
    '| code | severity | retryable | what happened |',
    '|---|---|---|---|',
    ...entries.map(
      ([code, { severity, retryable, summary }]) =>
        `| \`${code}\` | ${severity} | ${retryable ? 'yes' : 'no'} | ${summary} |`,
    ),
    '',
  ].join('\n');
}
