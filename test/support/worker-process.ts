import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { RuntimeOptions, StoreSettings } from '../../src/config/options.ts';
import type { RuntimeStats } from '../../src/runtime/runtime.ts';
import type { WorkerOrder } from '../fixtures/worker/main.ts';
import { builtProject } from './built-project.ts';

/** What the worker process reports of itself, by default every 20 ms. */
export interface WorkerStats extends RuntimeStats {
  readonly state: string;
  readonly broker: string;
  readonly reconnects: number;
  readonly store?: string;
  /** Threads that ended, and not by a stop. */
  readonly exits: number;
  /** Its wall clock, Unix ms. */
  readonly now: number;
}

type Report =
  | { event: 'running'; rssBytes: number }
  | ({ event: 'stats' } & WorkerStats)
  | { event: 'obeyed'; order: WorkerOrder['order'] }
  | { event: 'stopped' };

export type WorkerOptions = Partial<Omit<RuntimeOptions, 'broker' | 'store' | 'tasks'>> & {
  readonly broker: string;
  readonly store?: string | StoreSettings;
};

export interface WorkerSetting {
  /** Its task module, by its name in fixtures/worker; `tasks` unless told otherwise. */
  readonly tasks?: string;
  /** Modules of fixtures/worker, by name, that are loaded before everything else, in all threads. */
  readonly preload?: readonly string[];
  /** For the preloaded modules. */
  readonly env?: Readonly<Record<string, string>>;
  readonly reportEveryMs?: number;
  /** Gets what it logs. */
  readonly logged?: (text: string) => void;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** MILLRACE_PROJECT names a copy of the project to run instead, which is how scripts/mutations.ts shows that a test can fail. */
const PROJECT = process.env['MILLRACE_PROJECT'] ?? fileURLToPath(new URL('../../', import.meta.url));
const LONGEST_WAIT_MS = 120_000;
/** Of what it logs the end is kept: enough to see why it ended. */
const LONGEST_ERRORS = 64 * 1024;

/** A worker in a process of its own, so that it can be killed. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  readonly exited: Promise<ProcessEnd>;
  #last: WorkerStats | undefined;
  #ended: string | undefined;
  #errors = '';
  #obeyed = 0;
  rssBytes = 0;

  private constructor(child: ChildProcess, logged: ((text: string) => void) | undefined) {
    this.#child = child;
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.#hear(JSON.parse(line) as Report),
    );
    child.stdin?.on('error', () => undefined); // it may be gone when it is told something; `until` says so
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-LONGEST_ERRORS);
      logged?.(chunk.toString());
    });
    this.exited = new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        this.#ended = `exit code ${code}, signal ${signal}`;
        this.#wake();
        resolve({ code, signal });
      });
    });
  }

  /** Resolves when the worker consumes. */
  static async start(options: WorkerOptions, setting: WorkerSetting = {}): Promise<WorkerProcess> {
    const worker = await WorkerProcess.spawn(options, setting);
    await worker.running();
    return worker;
  }

  /** Does not wait until it consumes: for a worker that may die before. */
  static async spawn(options: WorkerOptions, setting: WorkerSetting = {}): Promise<WorkerProcess> {
    const { tasks = 'tasks', preload = [], env = {}, reportEveryMs = 20 } = setting;
    const folder = join(await builtProject(PROJECT), 'test', 'fixtures', 'worker');
    const imports = preload.flatMap((name) => ['--import', pathToFileURL(join(folder, `${name}.js`)).href]);
    const settings = {
      WORKER_OPTIONS: JSON.stringify(options),
      WORKER_TASKS: tasks,
      WORKER_REPORT_MS: String(reportEveryMs),
    };
    return new WorkerProcess(
      spawn(process.execPath, [...imports, join(folder, 'main.js')], {
        env: { ...process.env, ...env, ...settings },
        stdio: ['pipe', 'pipe', 'pipe'],
      }),
      setting.logged,
    );
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** The newest report; undefined before the first. */
  get stats(): WorkerStats | undefined {
    return this.#last;
  }

  /** The end of what it logged. */
  get errors(): string {
    return this.#errors;
  }

  /** How it ended; undefined while it lives. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /** Largest resident memory so far, as the kernel counts it; Linux only. */
  get peakRssBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }

  /** Resolves when it consumes. */
  running(): Promise<void> {
    return this.until('it runs', () => this.rssBytes > 0);
  }

  /** Resolves when the condition holds, asked at each report; rejects when the worker ends first. */
  async until(what: string, condition: (stats: WorkerStats | undefined) => boolean): Promise<void> {
    const deadline = performance.now() + LONGEST_WAIT_MS;
    while (!condition(this.#last)) {
      const late =
        performance.now() > deadline ? `not within ${LONGEST_WAIT_MS} ms, ${JSON.stringify(this.#last)}` : undefined;
      const why = this.#ended ?? late;
      if (why !== undefined) throw new Error(`waited until ${what}, but: ${why}\n${this.#errors}`);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  /** Resolves when it has done what it was told. */
  async obey(order: WorkerOrder): Promise<void> {
    const before = this.#obeyed;
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    await this.until(`it obeys ${order.order}`, () => this.#obeyed > before);
  }

  /** As a machine that loses power. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** Drains; resolves with how the process ended. */
  async terminate(): Promise<ProcessEnd> {
    this.signal('SIGTERM');
    return await this.exited;
  }

  signal(signal: 'SIGTERM' | 'SIGINT' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  #hear(report: Report): void {
    if (report.event === 'running') this.rssBytes = report.rssBytes;
    if (report.event === 'obeyed') this.#obeyed++;
    if (report.event === 'stats') this.#last = report;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#watchers) wake();
    this.#watchers.clear();
  }
}
