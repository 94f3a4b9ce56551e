/** The catalogue's entries of systems that people use in place of a consumer of their own. */
import { availableParallelism } from 'node:os';
import type { CatalogueEntry } from './entry.ts';

/** Its default. Its pool without processes cannot be timed by a queue that ends: decision 52. */
const CELERY_PROCESSES = availableParallelism();

/** That of its documentation's examples; 10 to 1000 were tried and none was faster. */
const BULLMQ_CONCURRENCY = 50;

export const OTHER_SYSTEMS: Readonly<Record<string, CatalogueEntry>> = {
  bullmq: {
    module: 'bullmq',
    settings: () => ({ prefetch: 'auto', batch: 'auto', threads: 1, concurrency: BULLMQ_CONCURRENCY }),
    scenarios: ['noop'],
    standard: [],
    needs: 'redis',
    source: 'bullmq',
    share: 0.1,
    about:
      "BullMQ's Worker on Redis with the concurrency of its documentation, finished jobs removed at once; jobs added by addBulk with the same payload; from the start of the worker to the last job that Redis knows as finished",
    guarantee:
      'at least once; Redis syncs its log once a second, as BullMQ recommends: a crash of the machine loses what was acknowledged in the last one',
  },
  celery: {
    module: 'celery',
    settings: ({ prefetch }) => ({ prefetch, batch: 'auto', threads: 1, concurrency: CELERY_PROCESSES }),
    scenarios: ['noop'],
    standard: [],
    needs: 'celery',
    source: 'celery',
    share: 0.025,
    about:
      "Celery's worker with late acks, the same prefetch, no results and no events, a process a core as it does by default; messages in its protocol with the same payload",
    guarantee: 'at least once; ack a message after the task (acks_late); reconnects',
  },
};
