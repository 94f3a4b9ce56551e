/** The catalogue's entries of the embedded scenario: broker and store in memory, and the threads of one process. */
import { asGiven, automaticButThreads, type CatalogueEntry } from './entry.ts';

const IN_MEMORY = 'nothing survives the process';
const OURS = `handled at least once while it lives, ack after the outcome is stored, inserts once; ${IN_MEMORY}`;
const BY_HAND = `ack once handled; no deadline, no retry, no dead letters: a task that throws ends the process; ${IN_MEMORY}`;

/** One `run` a message is slower by a factor of thirty and more. */
const EACH_SHARE = 0.1;

const ours: Pick<CatalogueEntry, 'module' | 'settings' | 'scenarios' | 'standard' | 'baselines' | 'guarantee'> = {
  module: 'millrace-embedded',
  settings: automaticButThreads,
  scenarios: ['embedded'],
  standard: ['embedded'],
  baselines: ['millrace-embedded-before', 'piscina-each', 'piscina-batches'],
  guarantee: OURS,
};

export const EMBEDDED: Readonly<Record<string, CatalogueEntry>> = {
  'millrace-embedded': {
    ...ours,
    about: 'startRuntime with its own defaults and --threads, a task that does nothing',
  },
  'millrace-embedded-stored': {
    ...ours,
    writes: true,
    baselines: ['millrace-embedded', 'piscina-each', 'piscina-batches'],
    about: 'the same with a document a message in the store in memory',
  },
  'millrace-embedded-before': {
    ...ours,
    module: 'millrace-embedded-before',
    standard: [],
    baselines: [],
    about: 'millrace-embedded as it is built in the checkout that --before names',
  },
  'piscina-each': {
    module: 'piscina-each',
    settings: (given) => ({ ...asGiven(given), batch: 1 }),
    scenarios: ['embedded'],
    standard: ['embedded'],
    share: EACH_SHARE,
    about: 'what people write first: piscina, one run a message with its parsed payload, an ack when it resolves',
    guarantee: BY_HAND,
  },
  'piscina-batches': {
    module: 'piscina-batches',
    settings: asGiven,
    scenarios: ['embedded'],
    standard: ['embedded'],
    about:
      'what a good programmer writes: piscina, --batch bodies a run, cloned to the thread and parsed there, two runs a thread, one ack a batch',
    guarantee: BY_HAND,
  },
};
