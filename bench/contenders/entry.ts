/** What is known of a contender, and the settings that several have. */
import type { Need } from '../harness/needs.ts';
import type { ScenarioName } from '../scenarios/about.ts';
import type { ContenderJob, MillraceOptions } from './contender.ts';

/** What the command line says for all contenders. */
export interface Settings {
  readonly prefetch: number;
  readonly batch: number;
  readonly threads: number;
}

export type SourceName = 'rabbitmq' | 'bullmq' | 'celery';

export interface CatalogueEntry {
  /** File in this folder, without extension. */
  readonly module: string;
  readonly settings: (given: Settings) => Pick<ContenderJob, 'prefetch' | 'batch' | 'threads' | 'concurrency'>;
  /** Of millrace only, beside its settings. */
  readonly options?: MillraceOptions;
  readonly scenarios: readonly ScenarioName[];
  /** `true`: writes documents, `false`: does nothing, undefined: as the scenario says. */
  readonly writes?: boolean;
  /** Where it is always there, not only when `--against` names it. */
  readonly standard: readonly ScenarioName[];
  /** What it is compared with, as far as they are in the same run; also a limit that is made of others (limits.ts). */
  readonly baselines?: readonly string[];
  /** Every hundredth task hashes for --long-ms. */
  readonly mixed?: boolean;
  /** So many processes share the messages, which lie in so many queues. */
  readonly fleet?: { readonly processes: number; readonly queues: number };
  /** One task of a hundred fails at its first attempt. */
  readonly fails?: boolean;
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

/** Those whose messages arrive by the clock. */
export const BY_THE_CLOCK: readonly ScenarioName[] = ['latency', 'latency-share', 'burst'];

export const asGiven: CatalogueEntry['settings'] = (given) => ({ ...given, concurrency: undefined });
/** What the contender chooses itself. */
export const automatic: CatalogueEntry['settings'] = () => ({
  prefetch: 'auto',
  batch: 'auto',
  threads: 'auto',
  concurrency: undefined,
});
/** The same, with the threads of the run. */
export const automaticButThreads: CatalogueEntry['settings'] = (given) => ({
  ...automatic(given),
  threads: given.threads,
});
