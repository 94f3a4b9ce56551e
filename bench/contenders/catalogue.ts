/** Every contender by its name: which module, which settings, what it promises. */
import type { Need } from '../harness/needs.ts';
import { aboutScenario, type ScenarioName } from '../scenarios/about.ts';
import type { ContenderJob } from './contender.ts';
import { COMBINED_LIMIT } from './limits.ts';
import { OTHER_SYSTEMS } from './other-systems.ts';
import { PUBLISHERS } from './publishers.ts';

/** What the command line says for all contenders. */
export interface Settings {
  readonly prefetch: number;
  readonly batch: number;
  readonly threads: number;
}

export type SourceName = 'rabbitmq' | 'bullmq';

export interface CatalogueEntry {
  /** File in this folder, without extension. */
  readonly module: string;
  readonly settings: (given: Settings) => Pick<ContenderJob, 'prefetch' | 'batch' | 'threads' | 'concurrency'>;
  readonly scenarios: readonly ScenarioName[];
  /** `true`: writes documents, `false`: does nothing, undefined: as the scenario says. */
  readonly writes?: boolean;
  /** Where it is always there, not only when `--against` names it. */
  readonly standard: readonly ScenarioName[];
  /** What it is compared with, as far as they are in the same run; also a limit that is made of others (limits.ts). */
  readonly baselines?: readonly string[];
  /** Every hundredth task hashes for --long-ms. */
  readonly mixed?: boolean;
  /** Takes no messages: the queue stays empty. */
  readonly withoutQueue?: boolean;
  /** Where it takes its messages from. Default: the bench's queue in RabbitMQ. */
  readonly source?: SourceName;
  /** What a machine may not have (harness/needs.ts). */
  readonly needs?: Need;
  /** For those far slower than the others: the share of a round's messages that it gets, so that a round ends. Default 1. */
  readonly share?: number;
  readonly about: string;
  readonly guarantee: string;
}

const OURS = 'at least once; ack after the outcome is stored; inserts once';
const PROTOTYPE = 'ack once handled and inserted; no recovery from any error';
const BARE = 'ack once handled and inserted; no recovery, no threads';

const LIBRARY = 'at least once; ack once handled; reconnects only where the library does; no batching, no threads';

/** Where each write is synced alone, one insertOne a message is slower than batches by a factor of about 20. */
const INSERT_ONE_SHARE = 0.05;

/** What people use instead, and what is physically there. */
const OTHERS = [
  COMBINED_LIMIT,
  'c-reader',
  'insert-many',
  'rabbitmq-client',
  'rabbitmq-client-multi',
  'amqplib-multi',
  'rabbitmq-client-insert-one',
  'amqplib-insert-one',
  ...Object.keys(OTHER_SYSTEMS),
];

/** Those whose messages arrive by the clock. */
const BY_THE_CLOCK: readonly ScenarioName[] = ['latency', 'latency-share', 'burst'];

const asGiven: CatalogueEntry['settings'] = (given) => ({ ...given, concurrency: undefined });
const automatic: CatalogueEntry['settings'] = () => ({
  prefetch: 'auto',
  batch: 'auto',
  threads: 'auto',
  concurrency: undefined,
});
const twoThreads: CatalogueEntry['settings'] = () => ({
  prefetch: 'auto',
  batch: 'auto',
  threads: 2,
  concurrency: undefined,
});
const published: CatalogueEntry['settings'] = () => ({ prefetch: 100, batch: 'auto', threads: 1, concurrency: 10 });

export const CATALOGUE: Readonly<Record<string, CatalogueEntry>> = {
  millrace: {
    module: 'millrace',
    settings: asGiven,
    scenarios: ['noop', 'mongo', 'payload'],
    standard: ['noop', 'mongo', 'payload'],
    baselines: ['millrace-before', 'prototype', ...OTHERS],
    about: 'millrace with --prefetch, --batch and --threads',
    guarantee: OURS,
  },
  'millrace-auto': {
    module: 'millrace',
    settings: automatic,
    scenarios: ['noop', 'mongo', 'payload'],
    standard: ['noop', 'mongo', 'payload'],
    baselines: ['prototype', ...OTHERS],
    about: 'millrace with its own defaults',
    guarantee: OURS,
  },
  'millrace-10-100': {
    module: 'millrace',
    settings: published,
    scenarios: ['noop', 'mongo'],
    standard: [],
    baselines: ['prototype'],
    about: 'millrace with concurrency 10 and prefetch 100, the settings of the published figures',
    guarantee: OURS,
  },
  'millrace-before': {
    module: 'millrace-before',
    settings: asGiven,
    scenarios: ['noop', 'mongo', 'payload'],
    standard: [],
    about: 'the same as it is built in the checkout that --before names',
    guarantee: OURS,
  },
  prototype: {
    module: 'prototype/pipeline',
    settings: asGiven,
    scenarios: ['noop', 'mongo', 'live'],
    standard: [],
    about: 'the measuring program that the design rests on, same settings as millrace',
    guarantee: PROTOTYPE,
  },
  'bare-reader': {
    module: 'bare-reader',
    settings: asGiven,
    scenarios: ['noop', 'mongo', 'live', 'payload', ...BY_THE_CLOCK],
    standard: ['live'],
    about: 'a frame parser in one thread, acks once a socket read; with insertMany in mongo',
    guarantee: BARE,
  },
  'bare-each-ack': {
    module: 'bare-reader',
    settings: (given) => ({ ...asGiven(given), batch: 1 }),
    scenarios: BY_THE_CLOCK,
    standard: BY_THE_CLOCK,
    about: 'the bare reader that acks each message as it is handled',
    guarantee: BARE,
  },
  'c-reader': {
    module: 'c-reader',
    settings: asGiven,
    scenarios: ['noop', 'mongo', 'payload'],
    writes: false,
    standard: [],
    needs: 'librabbitmq',
    about:
      'the plain limit: C and librabbitmq in one thread, acks a batch or what has arrived, does nothing else; writes nothing in mongo either',
    guarantee: 'ack once read; no recovery, no threads',
  },
  'insert-many': {
    module: 'insert-many',
    settings: asGiven,
    scenarios: ['mongo'],
    standard: [],
    withoutQueue: true,
    about:
      "the database's limit: the same documents with insertMany of --batch, two connections and majority writes as millrace has them, no queue",
    guarantee: 'inserts once; none for messages, there are none',
  },
  'rabbitmq-client': {
    module: 'rabbitmq-client-consumer',
    settings: asGiven,
    scenarios: ['noop', 'payload', ...BY_THE_CLOCK],
    standard: [],
    about: "rabbitmq-client's Consumer, an ack a message as it does by itself",
    guarantee: LIBRARY,
  },
  'rabbitmq-client-insert-one': {
    module: 'rabbitmq-client-consumer',
    settings: asGiven,
    scenarios: ['mongo'],
    standard: [],
    share: INSERT_ONE_SHARE,
    about:
      "rabbitmq-client's Consumer, one insertOne a message, then its ack; as many at once as the driver's pool allows",
    guarantee: LIBRARY,
  },
  'rabbitmq-client-multi': {
    module: 'rabbitmq-client-channel',
    settings: asGiven,
    scenarios: ['noop', 'payload'],
    standard: [],
    about: "rabbitmq-client's Channel, one ack for all that a turn of the event loop has handled",
    guarantee: LIBRARY,
  },
  'amqplib-multi': {
    module: 'amqplib-consumer',
    settings: asGiven,
    scenarios: ['noop', 'payload', ...BY_THE_CLOCK],
    standard: [],
    about: 'amqplib, one ack for all that a turn of the event loop has handled',
    guarantee: LIBRARY,
  },
  'amqplib-insert-one': {
    module: 'amqplib-insert-one',
    settings: asGiven,
    scenarios: ['mongo'],
    standard: [],
    share: INSERT_ONE_SHARE,
    about:
      "what people write first: amqplib, one insertOne a message, then its ack; as many at once as the driver's pool allows",
    guarantee: LIBRARY,
  },
  ...OTHER_SYSTEMS,
  ...PUBLISHERS,
  'millrace-cpu': {
    module: 'millrace',
    settings: (given) => ({ ...automatic(given), threads: given.threads }),
    scenarios: ['cpu'],
    standard: ['cpu'],
    baselines: ['bare-threads'],
    about: 'millrace with its own defaults and --threads, a task that hashes for --task-ms',
    guarantee: OURS,
  },
  'bare-threads': {
    module: 'bare-threads',
    settings: asGiven,
    scenarios: ['cpu'],
    standard: ['cpu'],
    withoutQueue: true,
    about: 'the limit: the same hashing in a loop, in as many threads, with no queue',
    guarantee: 'none',
  },
  'millrace-mixed': {
    module: 'millrace',
    settings: twoThreads,
    scenarios: ['cpu-mixed'],
    mixed: true,
    standard: ['cpu-mixed'],
    baselines: ['millrace-short-only', 'millrace-mixed-before'],
    about: 'millrace with its own defaults and 2 threads, each hundredth task hashes for --long-ms',
    guarantee: OURS,
  },
  'millrace-mixed-before': {
    module: 'millrace-before',
    settings: twoThreads,
    scenarios: ['cpu-mixed'],
    mixed: true,
    standard: [],
    baselines: ['millrace-short-only'],
    about: 'the same as it is built in the checkout that --before names',
    guarantee: OURS,
  },
  'millrace-short-only': {
    module: 'millrace',
    settings: twoThreads,
    scenarios: ['cpu-mixed'],
    standard: ['cpu-mixed'],
    about: 'the same as millrace-mixed, but those are as short as the others',
    guarantee: OURS,
  },
  'millrace-noop': {
    module: 'millrace',
    settings: automatic,
    scenarios: ['live', ...BY_THE_CLOCK],
    writes: false,
    standard: ['live', ...BY_THE_CLOCK],
    baselines: ['millrace-noop-before', 'bare-each-ack', 'bare-reader', 'rabbitmq-client', 'amqplib-multi'],
    about: 'millrace with its own defaults, a task that does nothing',
    guarantee: OURS,
  },
  'millrace-noop-before': {
    module: 'millrace-before',
    settings: automatic,
    scenarios: ['live', ...BY_THE_CLOCK],
    writes: false,
    standard: [],
    baselines: ['bare-each-ack'],
    about: 'the same as it is built in the checkout that --before names',
    guarantee: OURS,
  },
  'millrace-mongo': {
    module: 'millrace',
    settings: automatic,
    scenarios: ['live'],
    writes: true,
    standard: ['live'],
    baselines: ['bare-reader-mongo'],
    about: 'millrace with its own defaults, a document a message',
    guarantee: OURS,
  },
  'bare-reader-mongo': {
    module: 'bare-reader',
    settings: asGiven,
    scenarios: ['live'],
    writes: true,
    standard: ['live'],
    about: 'the bare reader and insertMany, a document a message',
    guarantee: BARE,
  },
  'millrace-10-100-noop': {
    module: 'millrace',
    settings: published,
    scenarios: ['live'],
    writes: false,
    standard: [],
    baselines: ['bare-reader'],
    about: 'millrace with concurrency 10 and prefetch 100, a task that does nothing',
    guarantee: OURS,
  },
  'millrace-10-100-mongo': {
    module: 'millrace',
    settings: published,
    scenarios: ['live'],
    writes: true,
    standard: [],
    baselines: ['bare-reader-mongo'],
    about: 'millrace with concurrency 10 and prefetch 100, a document a message',
    guarantee: OURS,
  },
};

export function contendersFor(scenario: ScenarioName): [string, CatalogueEntry][] {
  return Object.entries(CATALOGUE).filter(([, entry]) => entry.scenarios.includes(scenario));
}

/**
 * The standard contenders of a scenario and those named in `against`; where `only` names some, just those of both lists.
 * Throws on a name that the scenario does not have.
 */
export function chooseContenders(
  scenario: ScenarioName,
  against: readonly string[],
  only: readonly string[],
): string[] {
  const known = contendersFor(scenario);
  const named = [...against, ...only];
  for (const name of named) {
    if (known.some(([other]) => other === name)) continue;
    throw new Error(`no contender "${name}" in ${scenario}; there are ${known.map(([other]) => other).join(', ')}`);
  }
  const wanted = known.filter(
    ([name, entry]) => named.includes(name) || (entry.standard.includes(scenario) && only.length === 0),
  );
  return wanted.map(([name]) => name);
}

/** Whether a contender writes documents in this scenario. */
export function writesIn(name: string, scenario: ScenarioName): boolean {
  return CATALOGUE[name]?.writes ?? aboutScenario(scenario).writes;
}
