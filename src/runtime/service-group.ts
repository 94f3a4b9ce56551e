import type { Service } from '../support/service.ts';

/**
 * Services that start in order and stop in reverse, as one service.
 *
 * When one fails to start, those before it are stopped again, and `start` rejects with its error.
 * `stop` stops every one even when one of them fails to stop, and then rejects with what went wrong.
 * A service joins by `add` before the start, or by `startNext` while the group is being put together step by step.
 *
 * Cost: none beyond its members; they start one after another, never at once.
 */
export class ServiceGroup implements Service {
  readonly #waiting: Service[] = [];
  readonly #started: Service[] = [];
  #start: Promise<void> | undefined;
  #stop: Promise<void> | undefined;

  /** Adds a service to be started by `start`. */
  add(service: Service): this {
    this.#waiting.push(service);
    return this;
  }

  /** Starts one more service now; if it fails the whole group is stopped before this rejects. */
  async startNext<T extends Service>(service: T): Promise<T> {
    try {
      await service.start();
    } catch (error) {
      await this.#stopAfterFailure(error);
    }
    this.#started.push(service);
    return service;
  }

  start(): Promise<void> {
    this.#start ??= this.#startAll();
    return this.#start;
  }

  stop(): Promise<void> {
    this.#stop ??= this.#stopAll();
    return this.#stop;
  }

  async #startAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (this.#stop !== undefined) return;
      await this.startNext(next);
    }
  }

  async #stopAll(): Promise<void> {
    await this.#start?.catch(() => undefined); // whoever started it has that error already
    const problems = await this.#stopStarted();
    if (problems.length === 1) throw problems[0];
    if (problems.length > 1) throw new AggregateError(problems, `${problems.length} parts failed to stop`);
  }

  async #stopAfterFailure(cause: unknown): Promise<never> {
    const problems = await this.#stopStarted();
    if (problems.length > 0)
      throw new AggregateError([cause, ...problems], 'a part failed to start, and others to stop after it');
    throw cause;
  }

  async #stopStarted(): Promise<unknown[]> {
    const problems: unknown[] = [];
    for (let last = this.#started.pop(); last !== undefined; last = this.#started.pop()) {
      try {
        await last.stop();
      } catch (error) {
        problems.push(error);
      }
    }
    return problems;
  }
}
