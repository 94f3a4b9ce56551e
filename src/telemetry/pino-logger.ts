import { pino } from 'pino';
import { redactSecrets } from '../support/redact.ts';
import type { Logger } from './logger.ts';

export type PinoLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Where lines go: standard error, so that a program's results on standard output stay clean. Tests give their own. */
export interface LineSink {
  write(line: string): void;
}

/**
 * One JSON line per event, with secrets taken out of every line at the last moment: the one place for it.
 * Lines are rare (none per message), so they are written synchronously and none is lost when the process ends.
 */
export function createPinoLogger(level: PinoLevel, sink: LineSink = pino.destination({ dest: 2, sync: true })): Logger {
  const options = {
    level,
    base: { pid: process.pid, name: 'millrace' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.err },
    hooks: { streamWrite: redactSecrets },
  };
  return pino(options, sink);
}
