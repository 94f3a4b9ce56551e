import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { RuntimeOptions } from '../../src/config/options.ts';

/** What the worker process reports of itself every 20 ms. */
export interface WorkerStats {
  readonly received: number;
  readonly redelivered: number;
  readonly acked: number;
  readonly succeeded: number;
  readonly deadLettered: number;
  readonly messagesHeld: number;
  readonly bytesHeld: number;
  readonly threadDeaths: number;
  readonly paused?: string;
  readonly broker: string;
  readonly reconnects: number;
  readonly store?: string;
}

type Report = { event: 'running'; rssBytes: number } | ({ event: 'stats' } & WorkerStats) | { event: 'stopped' };

/** MILLRACE_PROJECT names a copy of the project to run instead, which is how scripts/mutations.ts shows that a test can fail. */
const PROJECT = process.env['MILLRACE_PROJECT'] ?? fileURLToPath(new URL('../../', import.meta.url));
const MAIN = `${PROJECT}/test/fixtures/worker/main.ts`;
const LONGEST_WAIT_MS = 120_000;

/** A worker in a process of its own, so that it can be killed. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #last: WorkerStats | undefined;
  #ended: string | undefined;
  #errors = '';
  rssBytes = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.#hear(JSON.parse(line) as Report),
    );
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
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
  static async start(
    options: Omit<RuntimeOptions, 'tasks' | 'broker' | 'store'> & { broker: string; store?: string },
  ): Promise<WorkerProcess> {
    const env = { ...process.env, WORKER_OPTIONS: JSON.stringify(options) };
    const worker = new WorkerProcess(
      spawn(process.execPath, ['--import', 'tsx', MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    await worker.until('it runs', () => worker.rssBytes > 0);
    return worker;
  }

  /** The newest report; undefined before the first. */
  get stats(): WorkerStats | undefined {
    return this.#last;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Largest resident memory so far, as the kernel counts it; Linux only. */
  get peakRssBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
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

  /** As a machine that loses power. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** Drains; resolves with how the process ended. */
  async terminate(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.#child.kill('SIGTERM');
    return await this.exited;
  }

  #hear(report: Report): void {
    if (report.event === 'running') this.rssBytes = report.rssBytes;
    if (report.event === 'stats') this.#last = report;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#watchers) wake();
    this.#watchers.clear();
  }
}
