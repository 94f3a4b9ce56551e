import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RecordedEvent } from './recorded-event.ts';

export interface RunOptions {
  readonly projectFolder: string;
  /** Test files that run at the same time. */
  readonly concurrency: number;
  /** Milliseconds a file may take; a file that hangs is ended and failed. */
  readonly fileTimeoutMs: number;
  /** Only tests whose name matches. */
  readonly namePattern: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the run early: every file not done is failed. */
  readonly signal: AbortSignal;
}

export interface RunResult {
  /** Exit code of node; null when it was ended by a signal. */
  readonly code: number | null;
  readonly events: readonly RecordedEvent[];
}

const recorder = fileURLToPath(new URL('./event-recorder.mjs', import.meta.url));

/** Runs test files with node's own runner; TypeScript by tsx, in threads too. Prints its readable report. */
export async function runFiles(paths: readonly string[], options: RunOptions): Promise<RunResult> {
  if (paths.length === 0) return { code: 0, events: [] };
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  const recording = join(folder, 'events.ndjson');
  try {
    const code = await runNode([...nodeArguments(recording, options), ...paths], options);
    return { code, events: await readEvents(recording) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function nodeArguments(recording: string, options: RunOptions): string[] {
  return [
    '--import',
    'tsx',
    '--test',
    `--test-concurrency=${options.concurrency}`,
    `--test-timeout=${options.fileTimeoutMs}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${recorder}`,
    `--test-reporter-destination=${recording}`,
    ...(options.namePattern === undefined ? [] : [`--test-name-pattern=${options.namePattern}`]),
  ];
}

function runNode(args: readonly string[], options: RunOptions): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: options.projectFolder, env: options.env, stdio: 'inherit' });
    const abort = (): void => void child.kill('SIGTERM');
    options.signal.addEventListener('abort', abort, { once: true });
    child.once('error', reject);
    child.once('close', (code) => {
      options.signal.removeEventListener('abort', abort);
      resolve(code);
    });
  });
}

async function readEvents(path: string): Promise<RecordedEvent[]> {
  const text = await readFile(path, 'utf8').catch(() => ''); // no file: the runner did not come to its first event
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RecordedEvent);
}
