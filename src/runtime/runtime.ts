import type { Broker, Publisher } from '../broker/broker.ts';
import { mergeTopologies, queueTopology } from '../broker/topology.ts';
import { FOLLOW_UP_WINDOW } from '../config/defaults.ts';
import type { ResolvedOptions } from '../config/resolve-options.ts';
import type { Choice } from '../delivery/choice.ts';
import type { DeliveryCounters } from '../delivery/delivery-counters.ts';
import type { DeliveryOptions } from '../delivery/delivery-options.ts';
import type { Pipeline, PipelineParts } from '../delivery/pipeline.ts';
import type { QueueSizes } from '../delivery/queue-sizes.ts';
import { RuntimeError } from '../errors/runtime-error.ts';
import type { Executor } from '../executor/executor.ts';
import type { Store } from '../store/store.ts';
import { type Deferred, deferred } from '../support/deferred.ts';
import type { Service } from '../support/service.ts';
import type { Logger } from '../telemetry/logger.ts';
import { deliveryOptions } from './delivery-options.ts';
import { judgeHealth, type RuntimeStatus } from './health.ts';
import { assertMove, type RuntimeState } from './runtime-state.ts';
import { ServiceGroup } from './service-group.ts';
import type { ThreadWatch } from './thread-watch.ts';

/** How long threads, store and broker together may take to close before a stop gives up on them. */
const CLOSE_LIMIT_MS = 15_000;

/** What `runtime.stats()` answers: the counters of delivery, and the sizes they were reached with. */
export interface RuntimeStats extends DeliveryCounters {
  readonly uptimeMs: number;
  readonly threads: ThreadStats;
  readonly sizes: {
    readonly threads: number;
    readonly creditBytes: number;
    /** Messages that one ack covers, on average since the start. */
    readonly ackEvery: Choice;
    readonly queues: readonly QueueSizes[];
  };
}

/** How busy the threads were since the start; the difference of two looks tells it of the time between them. */
export interface ThreadStats {
  /** Thread time in which they did not wait, ms: tasks, decoding, garbage collection. */
  readonly busyMs: number;
  /** Thread time that there was, ms. A thread that died counts as it was when the stats were last looked at. */
  readonly aliveMs: number;
  /** The one ÷ the other, 0 to 1. */
  readonly busyShare: number;
}

function ackEvery({ acked, acksWritten }: DeliveryCounters): Choice {
  const value = acksWritten === 0 ? 0 : Math.round(acked / acksWritten);
  return { value, why: 'one ack for all that ended in a turn of the event loop, up to the first that has not' };
}

/** What the runtime needs of the pipeline. */
export type RunningPipeline = Pick<Pipeline, 'start' | 'stop' | 'drain' | 'counters' | 'sizes'>;

/** A running worker, as `startRuntime` returns it. */
export interface Runtime extends AsyncDisposable {
  /** State and health of the parts, right now. Cheap: no I/O. */
  status(): RuntimeStatus;
  /** Counters since the start. Cheap: no I/O. */
  stats(): RuntimeStats;
  /**
   * Drains: consumes no more, gives back what was not begun, lets what was begun finish within `shutdown.grace`, acks
   * it, then closes everything. Resolves when nothing is left; rejects with `E_STOP_TIMEOUT` where a part does not
   * close. Calling it twice is one stop.
   */
  stop(): Promise<void>;
  /** Closes everything now. The broker delivers again whatever was not acked. */
  kill(): Promise<void>;
  /** Resolves when the runtime has stopped; rejects with the reason when it could not go on. */
  readonly stopped: Promise<void>;
}

/** What a runtime is put together from, by start-runtime.ts or the test kit. */
export interface RuntimeParts {
  readonly broker: Broker;
  readonly store: Store | undefined;
  readonly executor: Executor;
  readonly threads: ThreadWatch;
  readonly logger: Logger;
  readonly createPipeline: (parts: PipelineParts, options: DeliveryOptions) => RunningPipeline;
}

/**
 * Starts the parts in order, watches over them, and ends them in reverse. docs/lifecycle.md has the states as a
 * picture and the drain as a numbered list.
 *
 *     created ─▶ starting ─▶ running ─▶ draining ─▶ stopping ─▶ stopped
 *                    │          │  └──── kill ────────┘  │
 *                    └──────────┴────────▶ failed ◀──────┘
 *
 * `start` moves it to running or failed, `stop` and `kill` to stopped, and a fatal error of the pipeline to failed:
 * then what was begun is still drained, everything is closed, and `stopped` rejects with the reason.
 * Parts that the caller made (a broker or store given as an instance) are started but not stopped.
 *
 * Cost: nothing per message; it is not on the way of a delivery.
 */
export class WorkerRuntime implements Runtime, Service {
  readonly #parts: RuntimeParts;
  readonly #options: ResolvedOptions;
  readonly #services = new ServiceGroup();
  readonly #stopped: Deferred<void> = deferred<void>();
  readonly #killed: Deferred<void> = deferred<void>();
  #state: RuntimeState = 'created';
  #pipeline: RunningPipeline | undefined;
  #publisher: Publisher | undefined;
  #failure: unknown;
  #start: Promise<void> | undefined;
  #end: Promise<void> | undefined;
  #isKilled = false;
  #startedAt = 0;

  constructor(parts: RuntimeParts, options: ResolvedOptions) {
    this.#parts = parts;
    this.#options = options;
    // A program that does not look at `stopped` must not die of an unhandled rejection: the failure is logged and in status().
    this.#stopped.promise.catch(() => undefined);
    parts.threads.whenExhausted((error) => this.#fail(error));
    parts.threads.whenStuck((error) => this.#fail(error));
  }

  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  start(): Promise<void> {
    this.#start ??= this.#startParts();
    return this.#start;
  }

  stop(): Promise<void> {
    this.#end ??= this.#endWhenStarted();
    return this.#end;
  }

  kill(): Promise<void> {
    this.#isKilled = true;
    this.#killed.resolve();
    return this.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  status(): RuntimeStatus {
    const { broker, store, executor, threads } = this.#parts;
    const counters = this.#pipeline?.counters();
    const failure = this.#failure === undefined ? undefined : describeFailure(this.#failure);
    const parts = {
      state: this.#state,
      broker: broker.health(),
      store: store?.health(),
      threads: threads.health(executor.threads),
      failure,
    };
    return {
      ...parts,
      ...judgeHealth({ ...parts, counters }),
      queues: this.#options.queues.map((queue) => queue.name),
      lastDeliveryAt: counters?.lastDeliveryAt,
      paused: counters?.paused,
    };
  }

  stats(): RuntimeStats {
    if (this.#pipeline === undefined)
      throw new RuntimeError('E_STATE', `a runtime that is ${this.#state} has no counters yet`);
    const { threads, creditBytes } = this.#options;
    const counters = this.#pipeline.counters();
    const { busyMs, aliveMs } = this.#parts.executor.load();
    return {
      ...counters,
      uptimeMs: Date.now() - this.#startedAt,
      threads: { busyMs, aliveMs, busyShare: aliveMs === 0 ? 0 : busyMs / aliveMs },
      sizes: { threads, creditBytes, ackEvery: ackEvery(counters), queues: this.#pipeline.sizes() },
    };
  }

  #move(to: RuntimeState): void {
    assertMove(this.#state, to);
    this.#state = to;
    this.#parts.logger.debug({ state: to }, 'the runtime changed its state');
  }

  /** The boxes in the order of the picture in docs/architecture.md. */
  async #startParts(): Promise<void> {
    this.#move('starting');
    this.#startedAt = Date.now();
    try {
      await this.#startOwned(this.#parts.broker, this.#options.broker.kind === 'instance');
      await this.#startStore();
      await this.#services.startNext(this.#parts.executor);
      await this.#declareQueues();
      await this.#startPipeline();
      if (this.#failure !== undefined) throw this.#failure;
    } catch (error) {
      await this.#failStart(error);
    }
    this.#move('running');
    this.#parts.logger.info(
      { queues: this.#options.queues.map((q) => q.name), threads: this.#options.threads },
      'running',
    );
  }

  async #startOwned(service: Service, madeByCaller: boolean): Promise<void> {
    await (madeByCaller ? service.start() : this.#services.startNext(service));
  }

  async #startStore(): Promise<void> {
    const { store } = this.#parts;
    if (store === undefined) return;
    await this.#startOwned(store, this.#options.store?.kind === 'instance');
    await store.ping();
  }

  async #declareQueues(): Promise<void> {
    if (!this.#options.declare) return;
    const { queues, queueType } = this.#options;
    await this.#parts.broker.declare(mergeTopologies(queues.map((queue) => queueTopology(queue.name, queueType))));
  }

  async #startPipeline(): Promise<void> {
    const { broker, executor, store, logger } = this.#parts;
    const publisher = await broker.publisher({ window: FOLLOW_UP_WINDOW });
    this.#publisher = publisher;
    const fatal = (error: RuntimeError): void => this.#fail(error);
    const parts = { broker, executor, publisher, store, logger, fatal };
    this.#pipeline = this.#parts.createPipeline(parts, deliveryOptions(this.#options));
    await this.#pipeline.start();
  }

  /** Leaves nothing running, and says why the start failed. */
  async #failStart(error: unknown): Promise<never> {
    this.#failure = error;
    try {
      await this.#close();
    } catch (problem) {
      this.#parts.logger.error({ error: problem }, 'a part did not stop after the failed start');
    }
    this.#move('failed');
    this.#stopped.reject(error);
    throw error;
  }

  /** A fatal error of the pipeline while the runtime lives. During the start it becomes the start's own error. */
  #fail(error: RuntimeError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#parts.logger.error({ code: error.code, error }, 'the runtime cannot go on');
    if (this.#state !== 'running' && this.#state !== 'draining') return;
    this.#move('failed');
    this.#end ??= this.#endParts();
    this.#end.catch(() => undefined); // logged there, and `stopped` rejects with the failure
  }

  async #endWhenStarted(): Promise<void> {
    if (this.#start === undefined) {
      this.#move('stopped');
      this.#start = Promise.reject(new RuntimeError('E_STATE', 'a runtime that was stopped cannot be started'));
      this.#start.catch(() => undefined); // told to whoever calls `start` later
      return this.#stopped.resolve();
    }
    try {
      await this.#start;
    } catch {
      return undefined; // the start has closed everything, and its caller has the error
    }
    return this.#endParts();
  }

  async #endParts(): Promise<void> {
    if (!this.#isKilled) {
      if (this.#state === 'running') this.#move('draining');
      await this.#drain();
    }
    if (this.#state !== 'failed') this.#move('stopping');
    try {
      await this.#close();
    } catch (error) {
      this.#parts.logger.error({ error }, 'a part did not stop');
      this.#endAsFailed(error);
      throw error;
    }
    if (this.#failure !== undefined) return this.#endAsFailed(this.#failure);
    this.#move('stopped');
    this.#parts.logger.info({}, 'stopped');
    this.#stopped.resolve();
  }

  #endAsFailed(error: unknown): void {
    this.#failure ??= error;
    if (this.#state !== 'failed') this.#move('failed');
    this.#stopped.reject(this.#failure);
  }

  async #drain(): Promise<void> {
    const { graceMs } = this.#options.shutdown;
    const { logger } = this.#parts;
    logger.info({ graceMs }, 'draining');
    try {
      const cutOff = await Promise.race([this.#pipeline?.drain(graceMs), this.#killed.promise]);
      if (typeof cutOff === 'number' && cutOff > 0) {
        logger.warn({ cutOff }, 'tasks did not finish within the grace; the broker delivers their messages again');
      }
    } catch (error) {
      this.#failure ??= error;
      logger.error({ error }, 'the drain failed; the broker delivers again what was not acknowledged');
    }
  }

  /** Senders before receivers: consumers and follow-ups, then threads, store and broker. */
  async #close(): Promise<void> {
    this.#parts.threads.expectExits();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new RuntimeError(
        'E_STOP_TIMEOUT',
        `a part did not stop within ${CLOSE_LIMIT_MS} ms; end the process`,
      );
      timer = setTimeout(reject, CLOSE_LIMIT_MS, error);
    });
    try {
      await Promise.race([this.#closeParts(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #closeParts(): Promise<void> {
    const problems: unknown[] = [];
    for (const close of [() => this.#pipeline?.stop(), () => this.#publisher?.close(), () => this.#services.stop()]) {
      try {
        await close();
      } catch (error) {
        problems.push(error);
      }
    }
    if (problems.length === 1) throw problems[0];
    if (problems.length > 1) throw new AggregateError(problems, `${problems.length} parts failed to stop`);
  }
}

function describeFailure(failure: unknown): { readonly code: string; readonly message: string } {
  if (failure instanceof RuntimeError) return { code: failure.code, message: failure.message };
  return { code: 'E_UNKNOWN', message: failure instanceof Error ? failure.message : String(failure) };
}
