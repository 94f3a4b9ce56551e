/** Where the package that is measured is found: by its name, or in the dist/ of another checkout. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @param entry - `.` or `./task`, as in package.json `exports` */
export function packageUrl(entry: '.' | './task'): string {
  const checkout = process.env['MILLRACE_BENCH_PACKAGE'];
  if (checkout === undefined) return entry === '.' ? 'millrace' : 'millrace/task';
  return pathToFileURL(join(checkout, 'dist', entry, 'index.js')).href;
}

/** From now on it is the one of --before, in this process and its threads. */
export function takePackageBefore(contender: string): void {
  const checkout = process.env['MILLRACE_BEFORE'];
  if (checkout === undefined) throw new Error(`${contender} needs --before DIR, a checkout with a built dist/`);
  process.env['MILLRACE_BENCH_PACKAGE'] = checkout;
}
