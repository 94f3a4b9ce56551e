import { RuntimeError } from '../errors/runtime-error.ts';
import type { ExecutorListener } from '../executor/executor.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ThreadHealth } from './health.ts';

/** Listens to the executor: counts threads for `status()`, and writes what tasks and threads say to the log. */
export class ThreadWatch implements ExecutorListener {
  readonly #logger: Logger;
  readonly #alive = new Set<number>();
  /** Threads that are being replaced, and why. */
  readonly #recycled = new Map<number, string>();
  readonly #stuck = new Set<number>();
  #stopping = false;
  #deaths = 0;
  #lastExit: string | undefined;
  #giveUp: ((error: RuntimeError) => void) | undefined;
  #tellStuck: ((error: RuntimeError) => void) | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Who is to be told when the executor gives up, also while nothing runs. */
  whenExhausted(giveUp: (error: RuntimeError) => void): void {
    this.#giveUp = giveUp;
  }

  /** Who is to be told with E_THREAD_STUCK of a thread that does not end. */
  whenStuck(tell: (error: RuntimeError) => void): void {
    this.#tellStuck = tell;
  }

  /** Exits from now on are ours. */
  expectExits(): void {
    this.#stopping = true;
  }

  health(configured: number): ThreadHealth {
    const { size: stuck } = this.#stuck;
    return { configured, alive: this.#alive.size, stuck, deaths: this.#deaths, lastExit: this.#lastExit };
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
    this.#stuck.delete(threadId);
    const recycled = this.#recycled.get(threadId) === reason;
    this.#recycled.delete(threadId);
    if (this.#stopping) return;
    if (recycled) return this.#logger.debug({ threadId, reason }, 'a thread ended and was replaced');
    this.#deaths++;
    this.#lastExit = reason;
    this.#logger.warn({ threadId, reason }, 'a thread ended');
  }

  recycled(threadId: number, reason: string): void {
    this.#recycled.set(threadId, reason);
    this.#logger.info({ threadId, reason }, 'a thread is being replaced');
  }

  stuck(threadId: number, reason: string): void {
    this.#stuck.add(threadId);
    const message = `thread ${threadId} was told to end (${reason}) and has not: native code in a task holds it; end the process`;
    const error = new RuntimeError('E_THREAD_STUCK', message, { details: { threadId, reason } });
    this.#logger.error({ code: error.code, threadId, reason }, 'a thread does not end: native code in a task holds it');
    this.#tellStuck?.(error);
  }

  exhausted(error: RuntimeError): void {
    this.#giveUp?.(error);
  }

  strayError(error: Error): void {
    this.#logger.error({ error }, 'an error in an idle thread that belongs to no task');
  }
}
