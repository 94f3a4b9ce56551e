/** The same as another checkout has it, its broker in memory included: chosen before anything loads the package. */
import type { ContenderJob, EmbeddedServers, RunningContender } from './contender.ts';
import { takePackageBefore } from './package-url.ts';

takePackageBefore('millrace-embedded-before');

export async function start(job: ContenderJob, embedded?: EmbeddedServers): Promise<RunningContender> {
  const { start: startBefore } = await import('./millrace-embedded.ts');
  return startBefore(job, embedded);
}
