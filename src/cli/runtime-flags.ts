import { numberOr, optionsFromEnv } from '../config/from-env.ts';
import type { RuntimeOptions } from '../config/options.ts';
import type { ByteSize } from '../support/byte-size.ts';
import type { Duration } from '../support/duration.ts';
import { type CommandIo, type Flag, type FlagValues, isOn, textOf, textsOf, UsageError } from './command.ts';

/** Flags that set options of a runtime. They have no defaults of their own; options.ts documents each option. */
export const RUNTIME_FLAGS: readonly Flag[] = [
  { name: 'tasks', short: 't', value: 'MODULE', summary: 'the module that exports the tasks (MILLRACE_TASKS)' },
  {
    name: 'queue',
    short: 'q',
    value: 'NAME',
    multiple: true,
    summary: 'a queue to consume; several times for several (MILLRACE_QUEUES)',
  },
  {
    name: 'broker',
    value: 'URL',
    multiple: true,
    summary: 'RabbitMQ; several times for the nodes of a cluster (AMQP_URL)',
  },
  { name: 'store', value: 'URL', summary: 'MongoDB, with the database as its path (MONGO_URL)' },
  { name: 'threads', value: 'N', summary: 'threads that run tasks (MILLRACE_THREADS)' },
  { name: 'prefetch', value: 'N|auto', summary: 'messages the broker may push ahead, a queue (MILLRACE_PREFETCH)' },
  { name: 'batch', value: 'N|auto', summary: 'messages a batch is closed at (MILLRACE_BATCH_TARGET)' },
  { name: 'credit', value: 'SIZE', summary: 'bytes of deliveries held at most, e.g. 64MiB (MILLRACE_CREDIT_BYTES)' },
  {
    name: 'timeout',
    value: 'TIME',
    summary: 'how long a task may take that does not say so itself, e.g. 15m (MILLRACE_TASK_TIMEOUT)',
  },
  {
    name: 'attempts',
    value: 'N',
    summary: 'attempts of a task that does not say so itself, the first included',
  },
  {
    name: 'grace',
    value: 'TIME',
    summary: 'how long a stop waits for begun tasks, e.g. 25s (MILLRACE_SHUTDOWN_GRACE)',
  },
  {
    name: 'queue-type',
    value: 'TYPE',
    summary: 'quorum or classic, for queues that are missing (MILLRACE_QUEUE_TYPE)',
  },
  { name: 'no-declare', summary: 'declare nothing: the queues must exist (MILLRACE_DECLARE=false)' },
  { name: 'log-level', value: 'LEVEL', summary: 'debug, info, warn, error or silent (MILLRACE_LOG_LEVEL)' },
];

/** Options from the environment, with the flags over them. What is in neither keeps its default. */
export function runtimeOptions(values: FlagValues, env: CommandIo['env']): Partial<RuntimeOptions> {
  const fromEnv = optionsFromEnv(env);
  const target = autoOrInteger(values, 'batch');
  const credit = textOf(values, 'credit');
  const grace = textOf(values, 'grace');
  const timeout = textOf(values, 'timeout');
  const attempts = integer(values, 'attempts');
  return {
    ...fromEnv,
    ...pick('tasks', textOf(values, 'tasks')),
    ...pick('queues', textsOf(values, 'queue')),
    ...pick('broker', textsOf(values, 'broker')),
    ...pick('store', textOf(values, 'store')),
    ...pick('threads', integer(values, 'threads')),
    ...pick('prefetch', autoOrInteger(values, 'prefetch')),
    ...pick('batching', target === undefined ? undefined : { ...fromEnv.batching, target }),
    ...pick('credit', credit === undefined ? undefined : { bytes: numberOr<ByteSize>(credit) }),
    ...pick('timeouts', timeout === undefined ? undefined : { task: numberOr<Duration>(timeout) }),
    ...pick('retry', attempts === undefined ? undefined : { attempts }),
    ...pick('shutdown', grace === undefined ? undefined : { grace: numberOr<Duration>(grace) }),
    ...pick('queueType', textOf(values, 'queue-type') as 'quorum' | 'classic' | undefined), // checked with the others
    ...pick('declare', isOn(values, 'no-declare') ? false : undefined),
    ...pick('log', logOf(values)),
  };
}

function logOf(values: FlagValues): RuntimeOptions['log'] {
  const level = textOf(values, 'log-level');
  return level === undefined ? undefined : ({ level } as RuntimeOptions['log']);
}

function autoOrInteger(values: FlagValues, flag: string): number | 'auto' | undefined {
  return textOf(values, flag) === 'auto' ? 'auto' : integer(values, flag);
}

function integer(values: FlagValues, flag: string): number | undefined {
  const text = textOf(values, flag);
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`--${flag} is '${text}'; expected a whole number`);
}

function pick<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}
