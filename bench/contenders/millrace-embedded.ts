/** The product in a program of its own, with broker and store in memory: default options but for the settings of the run. */
import type { ContenderJob, EmbeddedServers, RunningContender } from './contender.ts';
import { requireEmbedded } from './require-embedded.ts';
import { runMillrace } from './run-millrace.ts';

export async function start(job: ContenderJob, embedded?: EmbeddedServers): Promise<RunningContender> {
  const { broker, store } = requireEmbedded(embedded);
  return runMillrace(job, job.store === undefined ? { broker } : { broker, store });
}
