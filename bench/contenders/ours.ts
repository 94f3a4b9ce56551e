/** The catalogue's entries of millrace itself. */
import { asGiven, automatic, BY_THE_CLOCK, type CatalogueEntry } from './entry.ts';
import { LIBRARIES } from './libraries.ts';
import { COMBINED_LIMIT } from './limits.ts';
import { OTHER_SYSTEMS } from './other-systems.ts';

const PROMISE = 'at least once; ack after the outcome is stored; inserts once';

/** What people use instead, and what is physically there. */
const OTHERS = [COMBINED_LIMIT, 'c-reader', 'insert-many', ...Object.keys(LIBRARIES), ...Object.keys(OTHER_SYSTEMS)];

const twoThreads: CatalogueEntry['settings'] = () => ({
  prefetch: 'auto',
  batch: 'auto',
  threads: 2,
  concurrency: undefined,
});
const published: CatalogueEntry['settings'] = () => ({ prefetch: 100, batch: 'auto', threads: 1, concurrency: 10 });

export const OURS: Readonly<Record<string, CatalogueEntry>> = {
  millrace: {
    module: 'millrace',
    settings: asGiven,
    scenarios: ['noop', 'mongo', 'payload'],
    standard: ['noop', 'mongo', 'payload'],
    baselines: ['millrace-before', 'prototype', ...OTHERS],
    about: 'millrace with --prefetch, --batch and --threads',
    guarantee: PROMISE,
  },
  'millrace-auto': {
    module: 'millrace',
    settings: automatic,
    scenarios: ['noop', 'mongo', 'payload', 'cpu'],
    standard: ['noop', 'mongo', 'payload'],
    baselines: ['prototype', ...OTHERS],
    about: 'millrace with its own defaults',
    guarantee: PROMISE,
  },
  'millrace-10-100': {
    module: 'millrace',
    settings: published,
    scenarios: ['noop', 'mongo'],
    standard: [],
    baselines: ['prototype'],
    about: 'millrace with concurrency 10 and prefetch 100, the settings of the published figures',
    guarantee: PROMISE,
  },
  'millrace-before': {
    module: 'millrace-before',
    settings: asGiven,
    scenarios: ['noop', 'mongo', 'payload'],
    standard: [],
    about: 'the same as it is built in the checkout that --before names',
    guarantee: PROMISE,
  },
  'millrace-cpu': {
    module: 'millrace',
    settings: (given) => ({ ...automatic(given), threads: given.threads }),
    scenarios: ['cpu'],
    standard: ['cpu'],
    baselines: ['bare-threads'],
    about: 'millrace with its own defaults and --threads, a task that hashes for --task-ms',
    guarantee: PROMISE,
  },
  'millrace-failing': {
    module: 'millrace',
    settings: automatic,
    scenarios: ['workload'],
    fails: true,
    standard: ['workload'],
    baselines: ['millrace-clean'],
    about: 'millrace with its own defaults; each hundredth task throws at its first attempt',
    guarantee: PROMISE,
  },
  'millrace-clean': {
    module: 'millrace',
    settings: automatic,
    scenarios: ['workload'],
    standard: ['workload'],
    about: 'the same, but no task throws',
    guarantee: PROMISE,
  },
  'millrace-mixed': {
    module: 'millrace',
    settings: twoThreads,
    scenarios: ['cpu-mixed'],
    mixed: true,
    standard: ['cpu-mixed'],
    baselines: ['millrace-short-only', 'millrace-mixed-before'],
    about: 'millrace with its own defaults and 2 threads, each hundredth task hashes for --long-ms',
    guarantee: PROMISE,
  },
  'millrace-mixed-before': {
    module: 'millrace-before',
    settings: twoThreads,
    scenarios: ['cpu-mixed'],
    mixed: true,
    standard: [],
    baselines: ['millrace-short-only'],
    about: 'the same as it is built in the checkout that --before names',
    guarantee: PROMISE,
  },
  'millrace-short-only': {
    module: 'millrace',
    settings: twoThreads,
    scenarios: ['cpu-mixed'],
    standard: ['cpu-mixed'],
    about: 'the same as millrace-mixed, but those are as short as the others',
    guarantee: PROMISE,
  },
  'millrace-noop': {
    module: 'millrace',
    settings: automatic,
    scenarios: ['live', ...BY_THE_CLOCK],
    writes: false,
    standard: ['live', ...BY_THE_CLOCK],
    baselines: ['millrace-noop-before', 'bare-each-ack', 'bare-reader', 'rabbitmq-client', 'amqplib-multi'],
    about: 'millrace with its own defaults, a task that does nothing',
    guarantee: PROMISE,
  },
  'millrace-noop-before': {
    module: 'millrace-before',
    settings: automatic,
    scenarios: ['live', ...BY_THE_CLOCK],
    writes: false,
    standard: [],
    baselines: ['bare-each-ack'],
    about: 'the same as it is built in the checkout that --before names',
    guarantee: PROMISE,
  },
  'millrace-mongo': {
    module: 'millrace',
    settings: automatic,
    scenarios: ['live'],
    writes: true,
    standard: ['live'],
    baselines: ['bare-reader-mongo'],
    about: 'millrace with its own defaults, a document a message',
    guarantee: PROMISE,
  },
  'millrace-10-100-noop': {
    module: 'millrace',
    settings: published,
    scenarios: ['live'],
    writes: false,
    standard: [],
    baselines: ['bare-reader'],
    about: 'millrace with concurrency 10 and prefetch 100, a task that does nothing',
    guarantee: PROMISE,
  },
  'millrace-10-100-mongo': {
    module: 'millrace',
    settings: published,
    scenarios: ['live'],
    writes: true,
    standard: [],
    baselines: ['bare-reader-mongo'],
    about: 'millrace with concurrency 10 and prefetch 100, a document a message',
    guarantee: PROMISE,
  },
};
