#!/usr/bin/env node
/** The `millrace` command: runs the command line and ends with its exit code. */
import { DONE, KILLED } from './exit-code.ts';
import { runCommandLine } from './run-command-line.ts';

/** After the command has ended nothing should keep the process; what does is cut off after this time. */
const LEFTOVER_LIMIT_MS = 3_000;

const { stdout, stderr, env } = process;
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(DONE); // whoever read it, e.g. `head`, has had enough
});
const exitCode = await runCommandLine(process.argv.slice(2), {
  // read only by commands that need it: opening standard input has effects on some of its kinds
  get stdin() {
    return process.stdin;
  },
  stdout,
  stderr,
  env,
  signals: process,
});
process.exitCode = exitCode;
if (exitCode === KILLED) process.kill(process.pid, 'SIGKILL'); // every gentler end waits for the thread

setTimeout(() => process.exit(exitCode), LEFTOVER_LIMIT_MS).unref();
