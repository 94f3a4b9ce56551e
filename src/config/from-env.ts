import { RuntimeError } from '../errors/runtime-error.ts';
import type { ByteSize } from '../support/byte-size.ts';
import type { Duration } from '../support/duration.ts';
import { redactSecrets } from '../support/redact.ts';
import type { LogLevel, RuntimeOptions } from './options.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Variable → the option it sets, as docs/reference/options.md and `millrace worker --help` show them. */
export const ENVIRONMENT = {
  MILLRACE_TASKS: 'tasks',
  AMQP_URL: 'broker',
  MONGO_URL: 'store',
  MILLRACE_QUEUES: 'queues',
  MILLRACE_QUEUE_TYPE: 'queueType',
  MILLRACE_DECLARE: 'declare',
  MILLRACE_THREADS: 'threads',
  MILLRACE_PREFETCH: 'prefetch',
  MILLRACE_BATCH_TARGET: 'batching.target',
  MILLRACE_BATCH_MAX_BYTES: 'batching.maxBytes',
  MILLRACE_BATCH_MAX_AGE: 'batching.maxAge',
  MILLRACE_CREDIT_BYTES: 'credit.bytes',
  MILLRACE_TASK_TIMEOUT: 'timeouts.task',
  MILLRACE_SHUTDOWN_GRACE: 'shutdown.grace',
  MILLRACE_LOG_LEVEL: 'log.level',
} as const;

type Variable = keyof typeof ENVIRONMENT;
type Reader = <T>(variable: Variable, read: (text: string, variable: Variable) => T) => T | undefined;

/**
 * The options that the environment sets, to be spread before one's own: `{ ...optionsFromEnv(), tasks }`.
 * `startRuntime` itself reads no environment; the command line does, and its flags win.
 * Variables that are empty count as not set. Unknown `MILLRACE_…` variables are ignored, because orchestrators set some
 * (a Kubernetes service named millrace makes MILLRACE_PORT).
 */
export function optionsFromEnv(env: Environment = process.env): Partial<RuntimeOptions> {
  const from: Reader = (variable, read) => {
    const text = env[variable]?.trim();
    return text === undefined || text === '' ? undefined : read(text, variable);
  };
  const as = <T>(text: string): T => text as T; // checked with the other options, in check-options.ts
  return given({
    tasks: from('MILLRACE_TASKS', as<string>),
    broker: from('AMQP_URL', splitList),
    store: from('MONGO_URL', as<string>),
    queues: from('MILLRACE_QUEUES', splitList),
    queueType: from('MILLRACE_QUEUE_TYPE', as<'quorum' | 'classic'>),
    declare: from('MILLRACE_DECLARE', readBoolean),
    threads: from('MILLRACE_THREADS', readInteger),
    prefetch: from('MILLRACE_PREFETCH', readAutoOrInteger),
    ...groups(from),
  });
}

function groups(from: Reader): Pick<RuntimeOptions, 'batching' | 'credit' | 'timeouts' | 'shutdown' | 'log'> {
  const batching = given({
    target: from('MILLRACE_BATCH_TARGET', readAutoOrInteger),
    maxBytes: from('MILLRACE_BATCH_MAX_BYTES', (text) => numberOr<ByteSize>(text)),
    maxAge: from('MILLRACE_BATCH_MAX_AGE', (text) => numberOr<Duration>(text)),
  });
  const credit = given({ bytes: from('MILLRACE_CREDIT_BYTES', (text) => numberOr<ByteSize>(text)) });
  const timeouts = given({ task: from('MILLRACE_TASK_TIMEOUT', (text) => numberOr<Duration>(text)) });
  const shutdown = given({
    grace: from('MILLRACE_SHUTDOWN_GRACE', (text) => numberOr<Duration>(text)),
  });
  const log = given({ level: from('MILLRACE_LOG_LEVEL', (text) => text as LogLevel) });
  return {
    ...nonEmpty('batching', batching),
    ...nonEmpty('credit', credit),
    ...nonEmpty('timeouts', timeouts),
    ...nonEmpty('shutdown', shutdown),
    ...nonEmpty('log', log),
  };
}

/** A plain number means ms or bytes; anything else is text with a unit. */
export function numberOr<T>(text: string): T {
  return (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text) as T;
}

export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function readInteger(text: string, variable: Variable): number {
  if (/^\d+$/.test(text)) return Number(text);
  return refuse(text, variable, 'a whole number');
}

function readAutoOrInteger(text: string, variable: Variable): number | 'auto' {
  return text === 'auto' ? text : readInteger(text, variable);
}

function readBoolean(text: string, variable: Variable): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  return refuse(text, variable, "'true' or 'false'");
}

function refuse(text: string, variable: Variable, expected: string): never {
  const message = `the environment variable ${variable} is '${redactSecrets(text)}'; expected ${expected}`;
  throw new RuntimeError('E_OPTION_TYPE', message, { details: { variable, option: ENVIRONMENT[variable] } });
}

function nonEmpty<K extends string, V extends object>(key: K, value: V): { readonly [P in K]?: V } {
  return Object.keys(value).length === 0 ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}

/** Without the keys that are undefined. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
