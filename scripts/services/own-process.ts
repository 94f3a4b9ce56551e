import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, startOf } from './process-identity.ts';
import { killGroup } from './server-ledger.ts';

const POLL_MS = 100;

export interface OwnProcessSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** File that gets what the process prints. */
  readonly logFile: string;
}

/**
 * A server process in a process group of its own.
 *
 * The group matters twice: Ctrl-C in the terminal does not reach the server before us, and a signal to the group
 * reaches the shell that a server was started by as well as the server. It is not tied to our event loop: we may end
 * while it goes on (`npm run services up`).
 */
export class OwnProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #start: string;
  readonly #logFile: string;
  readonly #ended: Promise<void>;
  #exit: string | undefined;

  constructor(child: ChildProcess & { readonly pid: number }, logFile: string) {
    this.pid = child.pid;
    this.#child = child;
    this.#start = startOf(child.pid);
    this.#logFile = logFile;
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exit = signal ?? `exit code ${code}`;
        resolve();
      });
    });
  }

  static spawn(spec: OwnProcessSpec): OwnProcess {
    const log = openSync(spec.logFile, 'a');
    const child = spawn(spec.command, spec.args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: spec.env,
      cwd: spec.cwd,
    });
    closeSync(log);
    child.on('error', () => undefined); // told by the missing pid below; without a listener it would end the process
    if (child.pid === undefined) throw new Error(`${spec.command} could not be started`);
    child.unref();
    return new OwnProcess(child as ChildProcess & { readonly pid: number }, spec.logFile);
  }

  get running(): boolean {
    return this.#exit === undefined && isAlive(this.pid, this.#start);
  }

  /**
   * Waits until `isReady` answers yes.
   * @throws when the process ends before, or after `timeoutMs`; the message holds the last lines that it printed
   */
  async waitUntilReady(isReady: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    // A foreign server gives no signal when it is ready to serve, so it is asked again and again.
    while (!(await isReady())) {
      if (!this.running) throw new Error(`ended while starting (${this.#exit ?? 'gone'}): ${this.lastOutput()}`);
      if (Date.now() > deadline) throw new Error(`not ready within ${timeoutMs / 1000} s: ${this.lastOutput()}`);
      await delay(POLL_MS);
    }
  }

  /** Asks the server to end; kills it after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.running) killGroup(this.pid, 'SIGTERM');
    const over = new AbortController();
    const grace = delay(graceMs, undefined, { signal: over.signal }).then(
      () => killGroup(this.pid, 'SIGKILL'),
      () => undefined, // it ended in time
    );
    await this.#untilEnded();
    over.abort();
    await grace;
  }

  /** Ends the server with SIGKILL: nothing is flushed, no client is told. */
  async kill(): Promise<void> {
    killGroup(this.pid, 'SIGKILL');
    await this.#untilEnded();
  }

  /** Stops the server's clock: connections stay open and nothing answers, as with a half-open peer. */
  freeze(): void {
    killGroup(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    killGroup(this.pid, 'SIGCONT');
  }

  /** Keeps our event loop alive meanwhile, which the running server must not do. */
  async #untilEnded(): Promise<void> {
    this.#child.ref();
    await this.#ended;
  }

  lastOutput(): string {
    try {
      return readFileSync(this.#logFile, 'utf8').trim().split('\n').slice(-5).join(' | ');
    } catch {
      return 'it printed nothing';
    }
  }
}
