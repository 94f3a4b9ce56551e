/**
 * What the harness asks of everything it measures. A contender is a module that the harness loads in a fresh process
 * (harness/child.ts) which counts calls, bodies, acks, time and CPU around it: no contender measures itself.
 */

import type { Broker } from '../../src/broker/broker.ts';
import type { EmbeddedStore, RuntimeOptions, StoreSettings } from '../../src/index.ts';
import type { HandledSummary } from '../harness/handled-ledger.ts';

/** Options that only millrace has. */
export interface MillraceOptions extends Pick<RuntimeOptions, 'batching' | 'credit'> {
  readonly store?: Omit<StoreSettings, 'url'>;
}

export interface ContenderJob {
  readonly amqpUrl: string;
  readonly queue: string;
  readonly messages: number;
  /** Acks that all of them take: one for each attempt. */
  readonly acks: number;
  /** One of a hundred fails at its first attempt (harness/failing-tasks.ts). */
  readonly fails: boolean;
  readonly queueType: 'quorum' | 'classic';
  /** The interpreter that has Celery, where the run has one. */
  readonly python: string | undefined;
  /** Messages unconfirmed at once, where the contender publishes. */
  readonly window: number | undefined;
  /** Where the run has one. */
  readonly redisUrl: string | undefined;
  /** Where documents go; undefined: the task does nothing. */
  readonly store: { readonly url: string; readonly database: string; readonly collection: string } | undefined;
  /** 'auto': the contender's own choice. */
  readonly prefetch: number | 'auto';
  readonly batch: number | 'auto';
  readonly threads: number | 'auto';
  /** Tasks that a thread runs at once; undefined: handlers are synchronous. */
  readonly concurrency: number | undefined;
  /** Where millrace shall not choose itself. */
  readonly options: MillraceOptions | undefined;
  /** What makes the messages' ids (harness/message-source.ts). */
  readonly seed: number;
  /** Hashes that each task does (harness/hash-work.ts); undefined: none. */
  readonly iterations: number | undefined;
  /** Instead, of every hundredth task; undefined: all are alike. */
  readonly longIterations: number | undefined;
}

/** From the read off the socket to the ack, ms; of a share of the messages. */
export interface HandOverLatency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What a contender reports itself: because it works in a process whose sockets the harness cannot see, or uses none. */
export interface ForeignReport {
  /** Both on the machine's monotonic clock, ms: its basic.consume leaves, the last ack has left. */
  readonly startMs: number;
  readonly endMs: number;
  /** Of all its threads, between the two. */
  readonly cpuMicros: number;
  readonly acked: number;
  /** Those of the contender's own process, where it is another one. */
  readonly handled?: HandledSummary;
  readonly peakRssMiB?: number;
  /** Busy thread time ÷ (wall × threads), where it has threads. */
  readonly threadsBusy?: number;
}

export interface ForeignRun {
  /** Messages acked so far. */
  acked(): number;
  readonly report: Promise<ForeignReport>;
}

export interface RunningContender {
  /** Only where the harness cannot see the work done. */
  readonly foreign?: ForeignRun;
  /** Asked for once, after the last ack. */
  latency(): HandOverLatency | undefined;
  stop(): Promise<void>;
}

/** Broker and store in this process, filled and watched by the harness (harness/embedded-run.ts). */
export interface EmbeddedServers {
  readonly broker: Broker;
  readonly store: EmbeddedStore;
}

/** What a contender module exports. */
export interface ContenderModule {
  /**
   * Begins to consume; resolves when it does. May ack everything before it resolves.
   * @param embedded - in scenarios without servers; the job's addresses then lead nowhere
   */
  start(job: ContenderJob, embedded?: EmbeddedServers): Promise<RunningContender>;
}
