import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit code; null when the command could not be started, was killed or took too long. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Milliseconds after which the command is killed. */
  readonly timeoutMs: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Gets each line of output as it comes; for progress. */
  readonly onLine?: (line: string) => void;
}

/** Runs a command to its end and never throws: a command that does not exist is a result with code null. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const output = { stdout: '', stderr: '' };
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
    for (const name of ['stdout', 'stderr'] as const) {
      let rest = '';
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        if (options.onLine === undefined) return;
        const lines = (rest + text).split(/[\r\n]+/);
        rest = lines.pop() ?? '';
        for (const line of lines) if (line.trim() !== '') options.onLine(line.trim());
      });
    }
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ code: null, stdout: output.stdout, stderr: `${output.stderr}${error.message}` });
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, ...output });
    });
  });
}

/** The last lines of what a failed command said, for an error message of one or two lines. */
export function lastLines(result: CommandResult, count = 3): string {
  const text = result.stderr.trim() === '' ? result.stdout : result.stderr;
  return text.trim().split('\n').slice(-count).join(' | ');
}
