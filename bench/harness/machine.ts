/** What machine this is and how busy. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Share of all cores' time in use during `ms`, 0 to 1. */
export async function busyShare(ms: number): Promise<number> {
  const before = cpuTimes();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const after = cpuTimes();
  const total = after.total - before.total;
  return total === 0 ? 0 : 1 - (after.idle - before.idle) / total;
}

function cpuTimes(): { idle: number; total: number } {
  let idle = 0;
  let total = 0;
  for (const { times } of os.cpus()) {
    idle += times.idle;
    total += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idle, total };
}

/** What the runs themselves write does not make another version of what they measure. */
const WITHOUT_RESULTS = ['--', '.', ':!bench/results', ':!BENCHMARKS.md'];

/** Short commit id, with `+` when tracked files differ from it; `unknown` outside a git checkout. */
export function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changes = git('status', '--porcelain', '--untracked-files=no', ...WITHOUT_RESULTS);
    return git('rev-parse', '--short', 'HEAD') + (changes === '' ? '' : '+');
  } catch {
    return 'unknown'; // no git, or an unpacked archive
  }
}

/**
 * How the database server syncs, from the command line of a server on this machine; only there can it be told.
 */
export function databaseSync(server: string): string {
  if (server.startsWith('MongoDB')) return 'journal, write concern majority';
  const commands = localCommands().filter((command) => command[0]?.endsWith('secantusd-rs'));
  if (commands.length === 0) return 'unknown (server on another machine)';
  const all = commands.every((command) => command.includes('--sync-on-commit'));
  const none = !commands.some((command) => command.includes('--sync-on-commit'));
  if (all) return 'fsync each commit (--sync-on-commit)';
  return none ? 'no fsync: a kill loses acknowledged writes' : 'unknown (several servers)';
}

/** Command lines of this machine's processes; empty where there is no /proc. */
function localCommands(): string[][] {
  const pids = listed('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => read(`/proc/${pid}/cmdline`).split('\0'));
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not Linux
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // the process has ended meanwhile
  }
}
