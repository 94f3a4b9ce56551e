import type { RuntimeError } from '../errors/runtime-error.ts';
import type { ExecutorListener } from '../executor/executor.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ThreadHealth } from './health.ts';

/** Listens to the executor: counts threads for `status()`, and writes what tasks and threads say to the log. */
export class ThreadWatch implements ExecutorListener {
  readonly #logger: Logger;
  readonly #alive = new Set<number>();
  #stopping = false;
  #deaths = 0;
  #lastExit: string | undefined;
  #giveUp: ((error: RuntimeError) => void) | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Who is to be told when the executor gives up, also while nothing runs. */
  whenExhausted(giveUp: (error: RuntimeError) => void): void {
    this.#giveUp = giveUp;
  }

  /** Exits from now on are ours. */
  expectExits(): void {
    this.#stopping = true;
  }

  health(configured: number): ThreadHealth {
    return { configured, alive: this.#alive.size, deaths: this.#deaths, lastExit: this.#lastExit };
  }

  logged(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#logger[level]({ ...fields }, message);
  }

  threadStarted(threadId: number): void {
    this.#alive.add(threadId);
    this.#logger.debug({ threadId }, 'a thread started');
  }

  threadExited(threadId: number, reason: string): void {
    this.#alive.delete(threadId);
    if (this.#stopping) return;
    this.#deaths++;
    this.#lastExit = reason;
    this.#logger.warn({ threadId, reason }, 'a thread ended');
  }

  exhausted(error: RuntimeError): void {
    this.#giveUp?.(error);
  }

  strayError(error: Error): void {
    this.#logger.error({ error }, 'an error in an idle thread that belongs to no task');
  }
}
