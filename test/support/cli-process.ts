import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface CliResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const LONGEST_WAIT_MS = 60_000;

/** The `millrace` command in a process of its own. */
export class CliProcess {
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  readonly #result: Promise<CliResult>;
  #out = '';
  #err = '';
  #ended = false;

  /** @param env - variables besides PATH; the servers of the test run are not passed on by themselves */
  constructor(words: readonly string[], env: Readonly<Record<string, string>> = {}, input?: string) {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...words], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stdin.end(input);
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear('out', text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#hear('err', text));
    this.#result = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        this.#ended = true;
        this.#wake();
        resolve({ code, out: this.#out, err: this.#err });
      });
    });
  }

  /** Resolves when the process has ended; one that hangs is killed, and its code is then null. */
  async finish(): Promise<CliResult> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), LONGEST_WAIT_MS);
    try {
      return await this.#result;
    } finally {
      clearTimeout(timer);
    }
  }

  signal(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): void {
    this.#child.kill(signal);
  }

  /** Resolves when the log on standard error has this text; rejects when the process ends without it. */
  async logged(text: string): Promise<void> {
    while (!this.#err.includes(text)) {
      if (this.#ended) throw new Error(`the process ended without logging '${text}':\n${this.#out}${this.#err}`);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  #hear(stream: 'out' | 'err', text: string): void {
    if (stream === 'out') this.#out += text;
    else this.#err += text;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#watchers) wake();
    this.#watchers.clear();
  }
}

/** Runs a command line to its end. */
export async function runCli(
  words: readonly string[],
  env?: Readonly<Record<string, string>>,
  input?: string,
): Promise<CliResult> {
  return await new CliProcess(words, env, input).finish();
}
