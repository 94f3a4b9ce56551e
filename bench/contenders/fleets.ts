/** The contenders of `fleet`: so many processes of millrace on so many queues. */
import { asGiven, type CatalogueEntry } from './entry.ts';

function fleetOf(processes: 1 | 2, queues: 1 | 2, about: string): CatalogueEntry {
  return {
    module: 'millrace',
    settings: asGiven,
    scenarios: ['fleet'],
    standard: ['fleet'],
    fleet: { processes, queues },
    ...(processes === 1 ? {} : { baselines: ['millrace-1x1'] }),
    about: `${about}, each process with --prefetch, --batch and --threads`,
    guarantee: 'at least once; ack after the outcome is stored; inserts once',
  };
}

export const FLEETS: Readonly<Record<string, CatalogueEntry>> = {
  'millrace-1x1': fleetOf(1, 1, 'one process on one queue'),
  'millrace-2x1': fleetOf(2, 1, 'two processes on one queue'),
  'millrace-2x2': fleetOf(2, 2, 'two processes, each on a queue of its own'),
};
