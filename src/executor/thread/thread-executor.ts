import { randomUUID } from 'node:crypto';
import { BroadcastChannel, type ResourceLimits } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { RuntimeError } from '../../errors/runtime-error.ts';
import { fromWireError } from '../../errors/wire-error.ts';
import type { StoreWriterSpec } from '../../store/store.ts';
import type { BatchRequest, Executor, ExecutorListener, TaskDescription } from '../executor.ts';
import { moduleError, taskModuleUrl } from '../task-module.ts';
import { type Assignment, assignmentBalancer, BATCHES_PER_THREAD, hasBegun, withAssignment } from './assignment.ts';
import { DeathWatch } from './death-watch.ts';
import type { ThreadAnswer, ThreadCommand, ThreadData, ThreadLogLine, ThreadRequest } from './thread-protocol.ts';
import { ThreadRoll } from './thread-roll.ts';

export interface ThreadExecutorOptions {
  /** The module that exports the tasks: a URL, or a path relative to the working directory. Every thread imports it. */
  readonly tasks: URL | string;
  /** Threads, 1 to 256; each costs about 10 MB and its own copy of the task module. */
  readonly threads: number;
  /** How each thread opens its own store writer; undefined: effects fail with E_STORE_MISSING. */
  readonly store?: StoreWriterSpec | undefined;
  /** Bounds of each thread's heap, not of its buffers; a thread that exceeds them dies. Default: those of Node. */
  readonly resourceLimits?: ResourceLimits | undefined;
}

/** created → starting → running → stopping → stopped; failed when it could not start, or its threads keep dying. */
export type ThreadExecutorState = 'created' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';

const NEXT = {
  created: ['starting', 'stopping'],
  starting: ['running', 'stopping', 'failed'],
  running: ['stopping', 'failed'],
  stopping: ['stopped'],
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
 * starts another. Threads that die without end are given up: E_THREADS_EXHAUSTED (death-watch.ts).
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
  readonly #open = new Set<Assignment>();
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
    this.#roll = new ThreadRoll({
      started: (threadId) => listener.threadStarted?.(threadId),
      exited: (threadId, reason, hadFinished) => this.#threadExited(threadId, reason, hadFinished),
    });
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
        await this.#closePool();
      }
      throw error;
    }
    if (this.#state !== 'starting') throw this.#notRunning();
    this.#moveTo('running');
  }

  #openPool(): Piscina<ThreadRequest, ThreadAnswer> {
    const workerData: ThreadData = { taskModule: this.#url, store: this.#options.store, channel: this.#channelName };
    const { resourceLimits } = this.#options;
    const pool = new Piscina<ThreadRequest, ThreadAnswer>({
      filename: THREAD_FILE,
      name: 'answer',
      minThreads: this.threads,
      maxThreads: this.threads,
      concurrentTasksPerWorker: BATCHES_PER_THREAD,
      loadBalancer: assignmentBalancer,
      atomics: 'disabled',
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      argv: [], // the host's command line is no business of a task; env and execArgv (loaders) are inherited
      workerData,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    });
    pool.on('error', (error: Error) => this.#listener.strayError?.(error));
    pool.on('message', (line: ThreadLogLine) => this.#listener.logged?.(line.level, line.message, line.fields));
    pool.on('workerCreate', () => this.#roll.add(pool.threads));
    this.#pool = pool;
    this.#roll.add(pool.threads);
    this.#commands = new BroadcastChannel(this.#channelName);
    this.#commands.unref();
    return pool;
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
    const { buffer, ledger, queue, defaultTask } = request;
    const assignment: Assignment = { threadId: undefined, ledger };
    let answer: ThreadAnswer;
    this.#open.add(assignment);
    try {
      const run: ThreadRequest = { kind: 'run', buffer, ledger, queue, defaultTask };
      answer = await pool.run(withAssignment(run, assignment), { transferList: [buffer] });
    } catch (thrown) {
      throw await this.#whyBroken(thrown, assignment);
    } finally {
      this.#open.delete(assignment);
    }
    if (answer instanceof ArrayBuffer) {
      this.#deaths.finished();
      this.#roll.markFinished(assignment.threadId);
      return answer;
    }
    if (answer.kind === 'failed') throw fromWireError(answer.error, 'E_STATE');
    throw new TypeError('a thread answered a batch with its start');
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
    if (threadId === undefined) return undefined;
    const reason = await this.#roll.exited(threadId);
    return this.#state === 'stopping' ? 'the executor was stopped' : reason;
  }

  #threadExited(threadId: number, reason: string, hadFinished: boolean): void {
    if (this.#pool !== undefined) this.#roll.add(this.#pool.threads);
    this.#listener.threadExited?.(threadId, reason);
    if (this.#state !== 'running') return;
    let hadBegun = hadFinished;
    for (const run of this.#open) if (run.threadId === threadId) hadBegun ||= hasBegun(run);
    const verdict = this.#deaths.died(performance.now(), hadBegun);
    if (verdict === undefined) return;
    this.#exhausted = new RuntimeError('E_THREADS_EXHAUSTED', `${verdict}; the last one: ${reason}`, {
      details: { reason },
    });
    this.#moveTo('failed');
    this.#listener.exhausted?.(this.#exhausted);
    // Rejects nothing: it only ends threads.
    void this.#closePool();
  }

  async #stop(): Promise<void> {
    this.#moveTo('stopping');
    await this.#closePool();
    this.#moveTo('stopped');
  }

  #closePool(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#commands?.close();
    this.#commands = undefined;
    const pool = this.#pool;
    if (pool === undefined) return;
    // The pool forgets a thread when it breaks, which is before it has exited, and when it exits after `destroy` has
    // resolved, the pool replaces it. Hence until none is left.
    do {
      this.#roll.add(pool.threads);
      await pool.destroy();
      await this.#roll.allExited();
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
