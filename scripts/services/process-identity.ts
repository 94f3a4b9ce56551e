import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * When a process started, as an opaque text; empty when there is no such process. With it a pid that the system has
 * given to somebody else since is told from the process that was meant: nothing else may ever be killed.
 */
export function startOf(pid: number): string {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The second field is the program's name in parentheses and may hold spaces, so fields count from its end.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? '' : (fields[19] ?? '');
    } catch {
      return ''; // no such process
    }
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return ''; // ps exits with 1 when there is no such process
  }
}

/** True while the process that had this pid at that time is running. */
export function isAlive(pid: number, start: string): boolean {
  return start !== '' && startOf(pid) === start;
}
