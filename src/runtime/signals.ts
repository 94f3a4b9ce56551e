import { isRuntimeError } from '../errors/runtime-error.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Exit codes of a process that a signal ended: 128 + its number, as shells expect. */
const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 } as const;
type StopSignal = keyof typeof EXIT_CODES;

export interface SignalTarget {
  stop(): Promise<void>;
}

/** What of the process is needed; tests give their own. */
export interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown;
  off(signal: StopSignal, listener: () => void): unknown;
  exit(code: number): void;
  kill(pid: number, signal: 'SIGKILL'): void;
  readonly pid: number;
}

/**
 * SIGTERM or SIGINT drains; a second one of either ends the process at once. That is safe: whatever was not acknowledged
 * is delivered again, as after any death of a process.
 * @returns a function that takes the listeners away again
 */
export function drainOnSignals(target: SignalTarget, logger: Logger, source: SignalSource = process): () => void {
  let stopping = false;
  const receive = (signal: StopSignal): void => {
    if (stopping) {
      logger.warn({ signal }, 'a second signal: ending at once; the broker delivers again what was not acknowledged');
      source.exit(EXIT_CODES[signal]);
      return;
    }
    stopping = true;
    logger.info({ signal }, 'draining; a second signal ends the process at once');
    target.stop().catch((error: unknown) => {
      logger.error({ error }, 'the stop failed: ending the process');
      // a thread that native code holds would hold up every gentler end
      if (isRuntimeError(error, 'E_THREAD_STUCK') || isRuntimeError(error, 'E_STOP_TIMEOUT'))
        source.kill(source.pid, 'SIGKILL');
      else source.exit(1);
    });
  };
  const onTerm = (): void => receive('SIGTERM');
  const onInt = (): void => receive('SIGINT');
  source.on('SIGTERM', onTerm);
  source.on('SIGINT', onInt);
  return () => {
    source.off('SIGTERM', onTerm);
    source.off('SIGINT', onInt);
  };
}
