import type { TaskLogger } from '../task/task-context.ts';
import type { ExecutorListener } from './executor.ts';

/** Where the lines that tasks log go. */
export type LogSink = NonNullable<ExecutorListener['logged']>;

/** @param base - fields that every line gets; a line's own fields win */
export function createTaskLogger(sink: LogSink, base: Readonly<Record<string, unknown>>): TaskLogger {
  return {
    debug: (message, fields) => sink('debug', message, { ...base, ...fields }),
    info: (message, fields) => sink('info', message, { ...base, ...fields }),
    warn: (message, fields) => sink('warn', message, { ...base, ...fields }),
    error: (message, fields) => sink('error', message, { ...base, ...fields }),
  };
}
