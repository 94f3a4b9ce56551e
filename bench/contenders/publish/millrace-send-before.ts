/** The product as another checkout has it, built there. */
import type { ContenderModule } from '../contender.ts';
import { takePackageBefore } from '../package-url.ts';

export const start: ContenderModule['start'] = async (job) => {
  takePackageBefore('millrace-send-before');
  const { start: startBefore } = await import('./millrace-send.ts');
  return startBefore(job);
};
