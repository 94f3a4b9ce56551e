import { randomBytes } from 'node:crypto';
import { BufferPool } from '../batch/buffer-pool.ts';
import { SlabPool } from '../batch/slab-pool.ts';
import type { Broker, Consumer, Publisher } from '../broker/broker.ts';
import { Delays } from '../broker/delays.ts';
import { isRuntimeError, RuntimeError } from '../errors/runtime-error.ts';
import type { Executor, TaskDescription } from '../executor/executor.ts';
import type { Store } from '../store/store.ts';
import type { Service } from '../support/service.ts';
import { LogLimiter } from '../telemetry/log-limiter.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Aftermath } from './aftermath.ts';
import { positionsOf, type Run, type RunInFlight } from './batch.ts';
import { BatchSizer } from './batch-sizer.ts';
import { Completer } from './completer.ts';
import { ConsumerWatchdog } from './consumer-watchdog.ts';
import { Credit } from './credit.ts';
import { DeadlineWatch } from './deadline-watch.ts';
import type { DeliveryCounters } from './delivery-counters.ts';
import type { DeliveryOptions } from './delivery-options.ts';
import { DeliveryTally } from './delivery-tally.ts';
import { Dispatcher } from './dispatcher.ts';
import { FollowUps } from './follow-ups.ts';
import { PrefetchSizer } from './prefetch-sizer.ts';
import type { ThreadDeath } from './quarantine.ts';
import { QueueLane } from './queue-lane.ts';
import type { QueueSizes } from './queue-sizes.ts';
import { RetryPolicies } from './retry-policies.ts';
import { StoreGate } from './store-gate.ts';
import { SuspectScreen } from './suspects.ts';

/** What a pipeline works with; all started by the composition root before it, stopped after it. */
export interface PipelineParts {
  readonly broker: Broker;
  readonly executor: Executor;
  readonly publisher: Publisher;
  readonly store: Store | undefined;
  readonly logger: Logger;
  /** Called once when the pipeline cannot go on, e.g. threads die as fast as they are replaced. */
  readonly fatal: (error: RuntimeError) => void;
}

/** Lines a second about messages that failed in the same way; the others are counted in one line. */
const FAILURE_LINES_PER_SECOND = 10;
/** How long tasks have after the drain's deadline to notice their abort signal, ms. */
const ABORT_GRACE_MS = 500;

/**
 * The delivery path, a file a box:
 *
 *     broker ─▶ queue-lane ─▶ delivery-batcher ─▶ dispatcher ═▶ thread ═▶ completer ─▶ ack-sequencer ─▶ broker
 *                 (credit, watchdog)   (batch-sizer, turns, │             ├▶ aftermath ─▶ follow-ups ─▶ broker
 *                                       suspects)           │             │   (outcome-router)
 *                                                     deadline-watch      └▶ quarantine, store-gate ─▶ again
 *                                                     neighbour-watch ─▶ again, elsewhere
 *
 * Draining, in this order, because senders end before receivers:
 * 1. consumers are cancelled: nothing new arrives;
 * 2. what no thread has begun is given back to the queues;
 * 3. what was begun finishes, until the deadline;
 * 4. then its tasks' signals abort, and what still runs half a second later is cut off: it stays unacked, while its
 *    neighbours in the same batch that are done are acked;
 * 5. follow-ups on their way are confirmed, all acks are written.
 */
export class Pipeline implements Service {
  readonly #parts: PipelineParts;
  readonly #tally = new DeliveryTally();
  readonly #lanes: readonly QueueLane[];
  readonly #dispatcher: Dispatcher;
  readonly #completer: Completer;
  readonly #followUps: FollowUps;
  readonly #deadlines: DeadlineWatch;
  readonly #watchdog: ConsumerWatchdog;
  readonly #log: LogLimiter;
  readonly #gate: StoreGate;
  readonly #credit: Credit;
  #draining = false;
  #failed = false;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  /** Wakes a drain that waits for the last batch. */
  #changed: (() => void) | undefined;

  constructor(parts: PipelineParts, options: DeliveryOptions) {
    this.#parts = parts;
    const { broker, executor, logger } = parts;
    const slabs = new SlabPool(options.creditBytes / 4);
    const buffers = new BufferPool(options.creditBytes / 4);
    this.#credit = new Credit(options.creditBytes, { slabs, buffers }, broker);
    this.#gate = new StoreGate(parts.store, logger, () => this.#pump());
    this.#log = new LogLimiter(logger, { perSecond: FAILURE_LINES_PER_SECOND });
    const delays = new Delays(broker, options.delayPrefix);
    const changed = (): void => this.#settled();
    this.#followUps = new FollowUps({ broker, publisher: parts.publisher, delays, logger, changed });
    const tasks = executor.tasks();
    const concurrency = Math.max(1, ...tasks.map((task) => task.concurrency));
    this.#lanes = options.queues.map((queue) => {
      const { threads } = executor;
      const prefetch = new PrefetchSizer({ prefetch: queue.prefetch, threads, concurrency });
      const { target } = options.batch;
      const sizer = new BatchSizer({ target, prefetch: prefetch.current, threads, concurrency });
      const arrived = (): void => this.#arrived();
      return new QueueLane(queue, { slabs, sizer, prefetch, tally: this.#tally, logger, arrived });
    });
    const aftermath = new Aftermath({
      followUps: this.#followUps,
      policies: new RetryPolicies(tasks),
      unknownTasks: options.unknownTasks,
      tally: this.#tally,
      log: this.#log,
      worker: options.worker,
      settled: changed,
    });
    const runAgain = (run: Run): void => this.#runAgain(run);
    this.#completer = new Completer({ aftermath, gate: this.#gate, tally: this.#tally, runAgain });
    const suspects = new SuspectScreen({
      mostReturns: options.suspectReturns,
      divert: (batch, index) => aftermath.suspect(batch, index),
      mayRun: (batch, index, returns) => aftermath.mayRunSuspect(batch, index, returns),
    });
    this.#dispatcher = new Dispatcher({
      executor,
      lanes: this.#lanes,
      buffers,
      tally: this.#tally,
      options: options.batch,
      salt: randomBytes(4).readUInt32LE(),
      mayStart: () => this.#gate.open && !this.#draining && !this.#failed,
      isPaused: (lane) => this.#followUps.refusal(lane.queue.name) !== undefined,
      screen: (batch) => suspects.screen(batch),
      complete: (run, outcomes) => this.#completer.complete(run, outcomes),
      completeEarly: (run, indexes) => this.#completer.completeEarly(run, indexes),
      broken: (run, error, death) => this.#broken(run, error, death),
      ended: changed,
      failed: (error) => this.#fail(error),
    });
    this.#deadlines = this.#createDeadlineWatch(tasks);
    this.#watchdog = this.#createWatchdog(options.watchdogMs);
  }

  /** Opens a consumer for each queue; rejects with the first one's error and leaves none open. */
  async start(): Promise<void> {
    this.#started ??= this.#open();
    await this.#started;
  }

  /** Cuts off whatever is held: it stays with the broker. `drain` first is the gentle way. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#close();
    await this.#stopped;
  }

  /**
   * Cancels the consumers, gives back what was not begun, lets what was begun finish, acks all that finished.
   * @param deadlineMs - after which running tasks are aborted
   * @returns messages cut off: they stay unacked, and the broker delivers them again
   */
  async drain(deadlineMs: number): Promise<number> {
    await Promise.all(this.#consumers().map((consumer) => consumer.cancel()));
    this.#draining = true;
    for (const lane of this.#lanes) lane.giveBackWaiting();
    for (const { batch, index } of this.#dispatcher.stop()) batch.lane.giveBack(batch, index);
    if (!(await this.#idle(deadlineMs))) {
      this.#parts.executor.abort();
      await this.#idle(ABORT_GRACE_MS);
    }
    for (const { batch, index } of this.#dispatcher.takeDone()) {
      this.#tally.succeeded++;
      batch.lane.settle(batch, index, 1);
    }
    for (const lane of this.#lanes) lane.flush(0);
    return this.#dispatcher.heldMessages() + this.#followUps.pending;
  }

  counters(): DeliveryCounters {
    let messagesHeld = this.#dispatcher.heldMessages() + this.#followUps.pending;
    for (const lane of this.#lanes) messagesHeld += lane.batcher.messages;
    const interrupted = this.#lanes.flatMap(({ queue, interruption }) => {
      return interruption === undefined ? [] : [{ queue: queue.name, reason: interruption }];
    });
    const bytesHeld = this.#credit.usedBytes;
    return this.#tally.snapshot({ messagesHeld, bytesHeld, interrupted, paused: this.#pausedBy() });
  }

  /** What is chosen for each queue, and why. */
  sizes(): QueueSizes[] {
    return this.#lanes.map((lane) => ({
      queue: lane.queue.name,
      meanTaskMs: lane.sizer.meanTaskMs,
      prefetch: lane.prefetch.choice,
      batch: lane.sizer.choice,
      inFlight: this.#dispatcher.inFlightChoice(lane),
    }));
  }

  #createDeadlineWatch(tasks: readonly TaskDescription[]): DeadlineWatch {
    const { executor, logger } = this.#parts;
    return new DeadlineWatch({
      runs: () => this.#dispatcher.runs(),
      terminate: (threadId, reason) => executor.terminate(threadId, reason),
      logger,
      shortestMs: Math.min(...tasks.map((task) => task.timeoutMs)),
    });
  }

  #createWatchdog(intervalMs: number): ConsumerWatchdog {
    const { broker, logger } = this.#parts;
    const paused = (): boolean => this.#pausedBy() !== undefined;
    return new ConsumerWatchdog({ lanes: this.#lanes, broker, logger, intervalMs, paused });
  }

  async #open(): Promise<void> {
    try {
      for (const lane of this.#lanes) {
        this.#requireWanted();
        await this.#consume(lane);
      }
      this.#requireWanted();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#deadlines.start();
    this.#watchdog.start();
  }

  async #consume(lane: QueueLane): Promise<void> {
    const { name, suspects } = lane.queue;
    try {
      const prefetch = lane.prefetch.current;
      const consumer = await this.#parts.broker.consume({ queue: name, prefetch }, lane);
      lane.attach(consumer);
      // a stop that came meanwhile did not see this consumer
      if (this.#stopped !== undefined) await consumer.close();
    } catch (error) {
      if (!suspects || !isRuntimeError(error, 'E_BROKER_QUEUE_MISSING')) throw error;
      this.#parts.logger.warn(
        { queue: name },
        `there is no queue '${name}': messages that end worker processes stay unbounded`,
      );
    }
  }

  #requireWanted(): void {
    if (this.#stopped === undefined) return;
    throw new RuntimeError('E_STATE', 'the pipeline was stopped before it consumed');
  }

  async #close(): Promise<void> {
    this.#draining = true;
    this.#dispatcher.stop();
    this.#gate.stop();
    this.#followUps.stop();
    this.#deadlines.stop();
    this.#watchdog.stop();
    this.#log.stop();
    await Promise.all(this.#consumers().map((consumer) => consumer.close()));
  }

  #consumers(): Consumer[] {
    return this.#lanes.flatMap((lane) => lane.consumer ?? []);
  }

  #arrived(): void {
    this.#credit.check();
    this.#dispatcher.pump();
  }

  #settled(): void {
    this.#credit.check();
    this.#pump();
    this.#changed?.();
  }

  #pump(): void {
    this.#dispatcher.pump();
  }

  #runAgain(run: Run): void {
    if (!this.#draining) this.#dispatcher.runAgain(run);
    else for (const index of positionsOf(run)) run.batch.lane.giveBack(run.batch, index);
  }

  /** A run came back without outcomes: its thread died, the thread's store did not open, or worse. */
  #broken(run: RunInFlight, error: unknown, death: ThreadDeath): void {
    const { batch, indexes } = run;
    if (isRuntimeError(error, 'E_THREAD_DIED')) {
      const fields = { queue: batch.lane.queue.name, messages: batch.count, ...death };
      this.#parts.logger.warn(fields, `a batch lost its thread: ${error.message}`);
      const { reason } = error.details as { readonly reason?: unknown };
      this.#completer.died(run, death, typeof reason === 'string' ? reason : error.message);
    } else if (isRuntimeError(error) && error.code.startsWith('E_STORE_')) {
      this.#gate.away(error.message);
      this.#runAgain({ batch, indexes });
    } else {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const known = isRuntimeError(error) ? error : undefined;
    this.#parts.fatal(known ?? new RuntimeError('E_STATE', `the pipeline broke: ${String(error)}`, { cause: error }));
  }

  #pausedBy(): string | undefined {
    if (!this.#gate.open) return `the store is away: ${this.#gate.reason ?? 'it does not answer'}`;
    for (const { queue } of this.#lanes) {
      const refusal = this.#followUps.refusal(queue.name);
      if (refusal !== undefined) return refusal;
    }
    const { slowWriteMs } = this.#deadlines;
    if (slowWriteMs !== undefined && this.#dispatcher.full) {
      return `the store is slow: every thread waits for it, one since ${Math.round(slowWriteMs / 1000)} s`;
    }
    if (this.#credit.exhausted) return 'the byte credit is used up: reading resumes when batches finish';
    return undefined;
  }

  /** Resolves to true when no thread has anything and no follow-up is on its way, to false after `ms`. */
  async #idle(ms: number): Promise<boolean> {
    const idle = (): boolean => this.#dispatcher.inFlight === 0 && this.#followUps.pending === 0;
    if (idle()) return true;
    return await new Promise<boolean>((resolve) => {
      const finish = (result: boolean): void => {
        clearTimeout(timer);
        this.#changed = undefined;
        resolve(result);
      };
      const timer = setTimeout(() => finish(false), ms);
      this.#changed = () => {
        if (idle()) finish(true);
      };
    });
  }
}

/** Makes a pipeline; `start` opens its consumers. The executor must have been started. */
export function createPipeline(parts: PipelineParts, options: DeliveryOptions): Pipeline {
  return new Pipeline(parts, options);
}
