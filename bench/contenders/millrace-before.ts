/** The product as another checkout has it, built there: what a change is measured against, in turn, in one run. */
import type { ContenderJob, RunningContender } from './contender.ts';

export async function start(job: ContenderJob): Promise<RunningContender> {
  const checkout = process.env['MILLRACE_BEFORE'];
  if (checkout === undefined) throw new Error('millrace-before needs --before DIR, a checkout with a built dist/');
  process.env['MILLRACE_BENCH_PACKAGE'] = checkout; // its threads inherit it
  const { start: startBefore } = await import('./millrace.ts');
  return startBefore(job);
}
