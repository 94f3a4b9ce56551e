#!/usr/bin/env node
/** The `millrace` command: runs the command line and ends with its exit code. */
import { runCommandLine } from './run-command-line.ts';

/** After the command has ended nothing should keep the process; what does is cut off after this time. */
const LEFTOVER_LIMIT_MS = 3_000;

const exitCode = await runCommandLine(process.argv.slice(2), process);
process.exitCode = exitCode;
setTimeout(() => process.exit(exitCode), LEFTOVER_LIMIT_MS).unref();
