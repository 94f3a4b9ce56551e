import { nativeCodec } from '../../codec/native-codec.ts';
import { DEFAULTS } from '../../config/defaults.ts';
import { RuntimeError } from '../../errors/runtime-error.ts';
import { EffectWriter } from '../../store/effect-writer.ts';
import type { StoreWriterSpec } from '../../store/store.ts';
import { parseDuration } from '../../support/duration.ts';
import type { BatchRequest, Executor, ExecutorListener, TaskDescription, ThreadLoad } from '../executor.ts';
import { abortRuns, type RunEnvironment, runBatch } from '../run-batch.ts';
import { StoreLink } from '../store-link.ts';
import { importTasks, taskModuleUrl } from '../task-module.ts';
import { TaskTable, type TaskTimeouts } from '../task-table.ts';

export interface InlineExecutorOptions {
  /** The module that exports the tasks: a URL, or a path relative to the working directory. */
  readonly tasks: URL | string;
  readonly store?: StoreWriterSpec | undefined;
  /** For tasks whose definition says nothing of it. Default: those of the runtime's options. */
  readonly timeouts?: TaskTimeouts | undefined;
}

/**
 * Runs tasks in the thread that called: for tests, debuggers and small embeddings. One "thread", which cannot die by
 * itself: an endless loop, `process.exit` or a full heap in a task takes the whole process along.
 *
 * `stop` aborts what runs and waits for it.
 */
export class InlineExecutor implements Executor {
  readonly kind = 'inline';
  readonly threads = 1;
  readonly #options: InlineExecutorOptions;
  readonly #listener: ExecutorListener;
  #link: StoreLink | undefined;
  #environment: RunEnvironment | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #atStart = performance.eventLoopUtilization();
  readonly #running = new Set<Promise<ArrayBuffer>>();

  constructor(options: InlineExecutorOptions, listener: ExecutorListener = {}) {
    this.#options = options;
    this.#listener = listener;
  }

  start(): Promise<void> {
    if (this.#stopping !== undefined)
      return Promise.reject(new RuntimeError('E_STATE', 'the executor was stopped; create another'));
    this.#starting ??= this.#start();
    return this.#starting;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  tasks(): readonly TaskDescription[] {
    return this.#environment?.tasks.describe() ?? [];
  }

  run(request: BatchRequest): Promise<ArrayBuffer> {
    const environment = this.#environment;
    if (environment === undefined || this.#stopping !== undefined) {
      return Promise.reject(
        new RuntimeError('E_STATE', 'the executor does not run: start it, and run nothing after stop'),
      );
    }
    // Detached for the caller as it would be with a thread, so that a fault of the caller shows here as well.
    const buffer = structuredClone(request.buffer, { transfer: [request.buffer] });
    const run = runBatch({ ...request, buffer }, environment);
    this.#running.add(run);
    return run.finally(() => this.#running.delete(run));
  }

  /** Does nothing: nothing can end a loop in the thread that called. A task's timeout aborts its signal, no more. */
  terminate(): void {}

  /** Of the whole thread that called: nothing tells its tasks from what else it does. */
  load(): ThreadLoad {
    const { active, idle } = performance.eventLoopUtilization(this.#atStart);
    return { busyMs: active, aliveMs: active + idle };
  }

  abort(): void {
    if (this.#environment !== undefined) abortRuns(this.#environment);
  }

  async #start(): Promise<void> {
    const { tasks, store, timeouts = DEFAULT_TIMEOUTS } = this.#options;
    const registry = await importTasks(taskModuleUrl(tasks));
    const link = store === undefined ? undefined : new StoreLink(store);
    await link?.open();
    this.#link = link;
    this.#environment = {
      tasks: new TaskTable(registry, timeouts),
      codec: nativeCodec,
      effects: new EffectWriter(link),
      threadId: INLINE_THREAD_ID,
      log: (level, message, fields) => this.#listener.logged?.(level, message, fields),
      runs: new Set(),
    };
    this.#listener.threadStarted?.(INLINE_THREAD_ID);
  }

  async #stop(): Promise<void> {
    // A start that failed has reported itself to whoever started.
    if (this.#starting !== undefined) await this.#starting.catch(() => undefined);
    this.abort();
    await Promise.allSettled(this.#running);
    await this.#link?.close();
    if (this.#environment !== undefined) this.#listener.threadExited?.(INLINE_THREAD_ID, 'the executor was stopped');
    this.#environment = undefined;
  }
}

/** No thread of this process has it: they count from 1, and 0 in a ledger means that nobody has the batch. */
const INLINE_THREAD_ID = -1;

const DEFAULT_TIMEOUTS: TaskTimeouts = {
  taskMs: parseDuration(DEFAULTS.timeouts.task) ?? Number.NaN,
  graceMs: parseDuration(DEFAULTS.timeouts.grace) ?? Number.NaN,
};
