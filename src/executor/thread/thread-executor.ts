import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { countSettled } from '../../batch/outcome-packer.ts';
import { DEFAULTS } from '../../config/defaults.ts';
import { RuntimeError } from '../../errors/runtime-error.ts';
import { fromWireError } from '../../errors/wire-error.ts';
import type { StoreWriterSpec } from '../../store/store.ts';
import { parseDuration } from '../../support/duration.ts';
import { SmallSet } from '../../support/small-set.ts';
import type { BatchRequest, Executor, ExecutorListener, TaskDescription, ThreadLoad } from '../executor.ts';
import { moduleError, taskModuleUrl } from '../task-module.ts';
import type { TaskTimeouts } from '../task-table.ts';
import {
  type Assignment,
  assignmentBalancer,
  BATCHES_PER_THREAD,
  hasBegun,
  heapMiBOf,
  withAssignment,
} from './assignment.ts';
import { DeathWatch } from './death-watch.ts';
import { toMiB } from './exit-reason.ts';
import type { ThreadAnswer, ThreadCommand, ThreadData, ThreadMessage, ThreadRequest } from './thread-protocol.ts';
import { type ThreadExit, ThreadRoll } from './thread-roll.ts';
import { type RotationLimits, ThreadRotation } from './thread-rotation.ts';

export interface ThreadExecutorOptions {
  /** The module that exports the tasks: a URL, or a path relative to the working directory. Every thread imports it. */
  readonly tasks: URL | string;
  /** Threads, 1 to 256; each costs about 10 MB and its own copy of the task module. */
  readonly threads: number;
  /** How each thread opens its own store writer; undefined: effects fail with E_STORE_MISSING. */
  readonly store?: StoreWriterSpec | undefined;
  /** Of tasks whose definition says nothing else. Default: those of the options. */
  readonly timeouts?: TaskTimeouts | undefined;
  /** When a thread is replaced. Default: only when it dies. */
  readonly limits?: ThreadLimits | undefined;
  /** How long a thread may take to end before it is called stuck; ms. Default: 10,000. */
  readonly stuckAfterMs?: number | undefined;
}

/** Undefined: no such limit. */
export interface ThreadLimits extends RotationLimits {
  /** Of each thread's heap, not of its buffers; a thread that exceeds it dies. Undefined: Node's own limit. */
  readonly heapBytes: number | undefined;
}

/**
 * created → starting → running → stopping → stopped; failed when it could not start, its threads keep dying, or one of
 * them does not end.
 */
export type ThreadExecutorState = 'created' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';

/** Much more than a thread needs that only runs JavaScript, and less than a stop of the runtime may take. */
const STUCK_AFTER_MS = 10_000;

const DEFAULT_TIMEOUTS: TaskTimeouts = {
  taskMs: parseDuration(DEFAULTS.timeouts.task) as number,
  graceMs: parseDuration(DEFAULTS.timeouts.grace) as number,
};

const NEXT = {
  created: ['starting', 'stopping'],
  starting: ['running', 'stopping', 'failed'],
  running: ['stopping', 'failed'],
  stopping: ['stopped', 'failed'],
  stopped: [],
  failed: ['stopping'],
} as const satisfies Record<ThreadExecutorState, readonly ThreadExecutorState[]>;

// The extension is this file's own: .ts when run from src with a loader, .js when run from dist.
const THREAD_FILE = new URL(`./executor.thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url).href;

/**
 * Runs batches in a pool of worker_threads (piscina), two at a time in each thread: one computes while the other waits
 * for its bulk write. Buffers are transferred there and moved back.
 *
 * A thread may die at any moment (process.exit in a task, an uncaught error, a full heap, terminate()). Then its open
 * runs reject with E_THREAD_DIED, but only after the thread has exited, because until then it may still write; the pool
 * starts another. Threads that die without end are given up: E_THREADS_EXHAUSTED (death-watch.ts). A thread that we end
 * and that native code holds gets nothing more, and the listener is told; its runs stay open, and `stop` rejects with
 * E_THREAD_STUCK.
 *
 * Why piscina is set up as it is: `atomics: 'disabled'`, because its default stops a thread's event loop between tasks,
 * and with it timers and the heartbeats of the database driver. No AbortSignal is ever given to a run, because then its
 * thread would take one run at a time. Nothing may fail while executor.thread.ts loads, because after that the pool
 * replaces no thread any more. The pool's 'error' event has a listener, because without one it ends the process.
 */
export class ThreadExecutor implements Executor {
  readonly kind = 'thread';
  readonly threads: number;
  readonly #options: ThreadExecutorOptions;
  readonly #listener: ExecutorListener;
  readonly #url: string;
  readonly #deaths = new DeathWatch();
  readonly #roll: ThreadRoll;
  /** Undefined where no thread is ever recycled. */
  readonly #rotation: ThreadRotation | undefined;
  readonly #open = new SmallSet<Assignment>();
  readonly #channelName = `millrace-${randomUUID()}`;
  #state: ThreadExecutorState = 'created';
  #pool: Piscina<ThreadRequest, ThreadAnswer> | undefined;
  #commands: BroadcastChannel | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #tasks: readonly TaskDescription[] = [];
  /** Why no thread is started any more. */
  #exhausted: RuntimeError | undefined;

  constructor(options: ThreadExecutorOptions, listener: ExecutorListener = {}) {
    this.#options = options;
    this.#listener = listener;
    this.threads = options.threads;
    this.#url = taskModuleUrl(options.tasks);
    this.#roll = new ThreadRoll(
      {
        started: (threadId) => listener.threadStarted?.(threadId),
        exited: (exit) => this.#threadExited(exit),
        stuck: (threadId, reason) => listener.stuck?.(threadId, reason),
      },
      { heapBytes: options.limits?.heapBytes, stuckAfterMs: options.stuckAfterMs ?? STUCK_AFTER_MS },
    );
    this.#rotation = this.#createRotation(options.limits);
  }

  get state(): ThreadExecutorState {
    return this.#state;
  }

  start(): Promise<void> {
    if (this.#stopping !== undefined) return Promise.reject(this.#notRunning());
    this.#starting ??= this.#start();
    return this.#starting;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  tasks(): readonly TaskDescription[] {
    return this.#tasks;
  }

  run(request: BatchRequest): Promise<ArrayBuffer> {
    const pool = this.#pool;
    return this.#state === 'running' && pool !== undefined
      ? this.#run(pool, request)
      : Promise.reject(this.#notRunning());
  }

  terminate(threadId: number, reason: string): void {
    this.#rotation?.gone(threadId);
    this.#roll.end(threadId, reason);
  }

  load(): ThreadLoad {
    return this.#roll.load();
  }

  abort(): void {
    this.#commands?.postMessage({ kind: 'abort' } satisfies ThreadCommand);
  }

  async #start(): Promise<void> {
    this.#moveTo('starting');
    try {
      const pool = this.#openPool();
      // One for each: the balancer gives a run to an idle thread while there is one.
      const answers = await Promise.all(Array.from({ length: this.threads }, () => this.#startThread(pool)));
      this.#tasks = answers[0] ?? [];
    } catch (error) {
      if (this.#state === 'starting') {
        this.#moveTo('failed');
        await this.#closePool('the executor could not start').catch(() => undefined); // the listener knows what is stuck
      }
      throw error;
    }
    if (this.#state !== 'starting') throw this.#notRunning();
    this.#moveTo('running');
  }

  #openPool(): Piscina<ThreadRequest, ThreadAnswer> {
    const { store, timeouts = DEFAULT_TIMEOUTS, limits } = this.#options;
    const workerData: ThreadData = { taskModule: this.#url, store, timeouts, channel: this.#channelName };
    const heapBytes = limits?.heapBytes;
    const pool = new Piscina<ThreadRequest, ThreadAnswer>({
      filename: THREAD_FILE,
      name: 'answer',
      minThreads: this.threads,
      maxThreads: this.threads,
      concurrentTasksPerWorker: BATCHES_PER_THREAD,
      loadBalancer: assignmentBalancer((threadId) => this.#mayTake(threadId)),
      atomics: 'disabled',
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      argv: [], // the host's command line is no business of a task; env and execArgv (loaders) are inherited
      workerData,
      ...(heapBytes === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: toMiB(heapBytes) } }),
    });
    pool.on('error', (error: Error) => this.#listener.strayError?.(error));
    pool.on('message', (message: ThreadMessage) => this.#received(message));
    pool.on('workerCreate', (thread: { readonly id: number }) => {
      this.#roll.add(pool.threads);
      this.#roll.markReady(thread.id);
    });
    this.#pool = pool;
    this.#roll.add(pool.threads);
    this.#commands = new BroadcastChannel(this.#channelName);
    this.#commands.unref();
    return pool;
  }

  #createRotation(limits: ThreadLimits | undefined): ThreadRotation | undefined {
    if (limits === undefined || !ThreadRotation.hasWork(limits)) return undefined;
    return new ThreadRotation(this.threads, limits, {
      openRuns: (threadId) => this.#openRuns(threadId),
      chosen: (threadId, reason) => this.#listener.recycled?.(threadId, reason),
      end: (threadId, reason) => this.#roll.end(threadId, reason),
    });
  }

  #mayTake(threadId: number): boolean {
    return !this.#roll.isEnding(threadId) && this.#rotation?.isLeaving(threadId) !== true;
  }

  #openRuns(threadId: number): number {
    let open = 0;
    for (const run of this.#open) if (run.threadId === threadId) open++;
    return open;
  }

  #received(message: ThreadMessage): void {
    if (message.kind === 'log') this.#listener.logged?.(message.level, message.message, message.fields);
    else if (!this.#roll.isEnding(message.threadId)) this.#rotation?.loaded(message.threadId, performance.now());
  }

  async #startThread(pool: Piscina<ThreadRequest, ThreadAnswer>): Promise<readonly TaskDescription[]> {
    const assignment: Assignment = { threadId: undefined, ledger: undefined };
    let answer: ThreadAnswer;
    try {
      answer = await pool.run(withAssignment<ThreadRequest>({ kind: 'start' }, assignment));
    } catch (thrown) {
      const reason = this.#state === 'starting' ? await this.#reasonOf(assignment) : 'the executor was stopped';
      throw moduleError(this.#url, new Error(`its thread ended (${reason ?? String(thrown)})`, { cause: thrown }));
    }
    if (answer instanceof ArrayBuffer) throw new TypeError('a thread answered its start with a batch');
    if (answer.kind === 'failed') throw fromWireError(answer.error, 'E_TASK_MODULE_LOAD');
    return answer.tasks;
  }

  async #run(pool: Piscina<ThreadRequest, ThreadAnswer>, request: BatchRequest): Promise<ArrayBuffer> {
    const { buffer, ledger, queue, defaultTask, avoid } = request;
    const assignment: Assignment = { threadId: undefined, ledger, avoid };
    let answer: ThreadAnswer | undefined;
    this.#open.add(assignment);
    try {
      const run: ThreadRequest = { kind: 'run', buffer, ledger, queue, defaultTask };
      answer = await pool.run(withAssignment(run, assignment), { transferList: [buffer] });
    } catch (thrown) {
      throw await this.#whyBroken(thrown, assignment);
    } finally {
      this.#open.delete(assignment);
      this.#recordWear(assignment, answer);
    }
    if (answer instanceof ArrayBuffer) {
      this.#deaths.finished();
      this.#roll.markFinished(assignment.threadId);
      return answer;
    }
    if (answer.kind === 'failed') throw fromWireError(answer.error, 'E_STATE');
    throw new TypeError('a thread answered a batch with its start');
  }

  #recordWear(assignment: Assignment, answer: ThreadAnswer | undefined): void {
    if (this.#rotation === undefined || assignment.threadId === undefined || this.#state !== 'running') return;
    const tasks = answer instanceof ArrayBuffer ? countSettled(answer) : 0;
    this.#rotation.batchEnded(assignment.threadId, tasks, heapMiBOf(assignment), performance.now());
  }

  /** Resolves once the thread has exited: until then it may still write. */
  async #whyBroken(thrown: unknown, assignment: Assignment): Promise<unknown> {
    const { threadId } = assignment;
    const alive = this.#pool?.threads.some((thread) => thread.threadId === threadId) ?? false;
    if (alive) return thrown; // the request could not be sent, e.g. its buffer is detached
    const reason = (await this.#reasonOf(assignment)) ?? 'no thread had taken it';
    if (this.#exhausted !== undefined) return this.#exhausted;
    return new RuntimeError('E_THREAD_DIED', `the thread ended while it held a batch: ${reason}`, {
      cause: thrown,
      details: { threadId, reason },
    });
  }

  async #reasonOf({ threadId }: Assignment): Promise<string | undefined> {
    return threadId === undefined ? undefined : this.#roll.exited(threadId);
  }

  #threadExited({ threadId, reason, wanted, hadFinished }: ThreadExit): void {
    if (this.#pool !== undefined) this.#roll.add(this.#pool.threads);
    this.#rotation?.exited(threadId);
    this.#listener.threadExited?.(threadId, reason);
    if (this.#state !== 'running' || wanted) return;
    let hadBegun = hadFinished;
    for (const run of this.#open) if (run.threadId === threadId) hadBegun ||= hasBegun(run);
    const verdict = this.#deaths.died(performance.now(), hadBegun);
    if (verdict === undefined) return;
    this.#exhausted = new RuntimeError('E_THREADS_EXHAUSTED', `${verdict}; the last one: ${reason}`, {
      details: { reason },
    });
    this.#moveTo('failed');
    this.#listener.exhausted?.(this.#exhausted);
    this.#closePool('its threads keep dying').catch(() => undefined); // `stop` rejects with it
  }

  async #stop(): Promise<void> {
    this.#moveTo('stopping');
    try {
      await this.#closePool('the executor was stopped');
    } catch (error) {
      this.#moveTo('failed');
      throw error;
    }
    this.#moveTo('stopped');
  }

  #closePool(reason: string): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #close(reason: string): Promise<void> {
    this.#commands?.close();
    this.#commands = undefined;
    const pool = this.#pool;
    if (pool === undefined) return;
    // The pool forgets a thread when it breaks, which is before it has exited, and when it exits after `destroy` has
    // resolved, the pool replaces it. Hence until none is left.
    do {
      await this.#roll.noneLoads(() => pool.threads);
      this.#roll.endAll(reason);
      const destroyed = pool.destroy(); // waits for ever for a thread that is stuck
      const stuck = await this.#roll.allSettled();
      if (stuck.length > 0) throw stuckError(stuck);
      await destroyed;
    } while (pool.threads.length > 0);
  }

  #notRunning(): RuntimeError {
    return this.#exhausted ?? new RuntimeError('E_STATE', `the executor cannot run anything: it is ${this.#state}`);
  }

  #moveTo(state: ThreadExecutorState): void {
    const allowed: readonly ThreadExecutorState[] = NEXT[this.#state];
    if (!allowed.includes(state))
      throw new RuntimeError('E_STATE', `the executor cannot go from ${this.#state} to ${state}`);
    this.#state = state;
  }
}

function stuckError(threadIds: readonly number[]): RuntimeError {
  const which = threadIds.length === 1 ? `thread ${threadIds[0]} does` : `threads ${threadIds.join(', ')} do`;
  return new RuntimeError('E_THREAD_STUCK', `${which} not end: native code in a task holds it; end the process`, {
    details: { threadIds },
  });
}
