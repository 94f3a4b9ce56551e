import { optionsFromEnv } from '../config/from-env.ts';
import type { DeadLetterQueue } from '../dead-letters/dead-letter-queue.ts';
import { type DeadLetterFilter, letterMatch } from '../dead-letters/letter-filter.ts';
import type { Duration } from '../support/duration.ts';
import { type CommandIo, type Flag, type FlagValues, integerOf, textOf, textsOf, UsageError } from './command.ts';

/** Flags that say which letters are meant, and where they are. */
export const DEAD_FLAGS: readonly Flag[] = [
  { name: 'task', value: 'NAME', multiple: true, summary: 'only letters of this task; several times for several' },
  {
    name: 'code',
    value: 'CODE',
    multiple: true,
    summary: "only letters with this error code, or 'broker: expired' and the like; several times for several",
  },
  { name: 'older-than', value: 'TIME', summary: 'only letters that died longer ago, e.g. 2h' },
  { name: 'newer-than', value: 'TIME', summary: 'only letters that died since then, e.g. 30m' },
  { name: 'limit', value: 'N', summary: 'letters at most' },
];

export const BROKER_FLAG: Flag = {
  name: 'broker',
  value: 'URL',
  multiple: true,
  summary: 'RabbitMQ; several times for the nodes of a cluster (AMQP_URL)',
};

/** What a `dead` command was told. */
export interface DeadCall {
  readonly queue: string;
  readonly filter: DeadLetterFilter;
  readonly limit: number | undefined;
  readonly broker: readonly string[] | undefined;
}

/** @param operands - the queue, then ids */
export function deadCall(name: string, values: FlagValues, operands: readonly string[]): DeadCall {
  const [queue, ...ids] = operands;
  if (queue === undefined || queue === '') throw new UsageError(`${name} needs the name of a queue`);
  const [task, code] = [textsOf(values, 'task'), textsOf(values, 'code')];
  const [olderThan, newerThan] = [textOf(values, 'older-than'), textOf(values, 'newer-than')];
  const filter = {
    ...(ids.length === 0 ? {} : { id: ids }),
    ...(task === undefined ? {} : { task }),
    ...(code === undefined ? {} : { code }),
    ...(olderThan === undefined ? {} : { olderThan: olderThan as Duration }),
    ...(newerThan === undefined ? {} : { newerThan: newerThan as Duration }),
  };
  letterMatch(filter, 0); // refuses what is no filter, before a broker is asked
  return {
    queue,
    filter,
    limit: integerOf(values, 'limit', 1, Number.MAX_SAFE_INTEGER),
    broker: textsOf(values, 'broker'),
  };
}

/** The numbers of signals, for exit codes as shells expect them. */
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/** The letters, and what ends the work on them early. */
export interface DeadSession {
  readonly letters: DeadLetterQueue;
  readonly signal: AbortSignal;
  /** What to end with when the signal came: 130 or 143. */
  readonly interrupted: () => number;
}

/**
 * Opens the dead letters, works on them, and closes them. The first SIGINT or SIGTERM aborts the work's signal, so that
 * what was begun is finished; the second one ends the process.
 */
export async function withDeadLetters(
  call: DeadCall,
  io: CommandIo,
  work: (session: DeadSession) => Promise<number>,
): Promise<number> {
  const { openDeadLetters } = await import('../runtime/open-dead-letters.ts');
  const broker = call.broker ?? optionsFromEnv(io.env).broker;
  const letters = await openDeadLetters(broker === undefined ? {} : { broker }, call.queue);
  const abort = new AbortController();
  let exitCode = 0;
  const receive = (signal: keyof typeof SIGNAL_NUMBERS): void => {
    if (exitCode !== 0) io.signals?.exit(128 + SIGNAL_NUMBERS[signal]);
    exitCode = 128 + SIGNAL_NUMBERS[signal];
    abort.abort();
  };
  const onInt = (): void => receive('SIGINT');
  const onTerm = (): void => receive('SIGTERM');
  io.signals?.on('SIGINT', onInt);
  io.signals?.on('SIGTERM', onTerm);
  try {
    return await work({ letters, signal: abort.signal, interrupted: () => exitCode });
  } finally {
    io.signals?.off('SIGINT', onInt);
    io.signals?.off('SIGTERM', onTerm);
    await letters.close();
  }
}
