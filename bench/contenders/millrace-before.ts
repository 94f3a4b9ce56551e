/** The product as another checkout has it, built there: what a change is measured against, in turn, in one run. */
import type { ContenderJob, RunningContender } from './contender.ts';
import { takePackageBefore } from './package-url.ts';

export async function start(job: ContenderJob): Promise<RunningContender> {
  takePackageBefore('millrace-before');
  const { start: startBefore } = await import('./millrace.ts');
  return startBefore(job);
}
