import type { ContenderJob, EmbeddedServers } from './contender.ts';

/** For contenders of scenarios without servers. */
export function requireEmbedded(embedded: EmbeddedServers | undefined): EmbeddedServers {
  if (embedded === undefined) throw new Error('this contender takes its messages from a broker in its own process');
  return embedded;
}

const DEFAULT_PREFETCH = 2000;

/** Of those that do not choose it themselves. */
export function prefetchOf(job: ContenderJob): number {
  return job.prefetch === 'auto' ? DEFAULT_PREFETCH : job.prefetch;
}
