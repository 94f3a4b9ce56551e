/** The JSON of a bench run: an array of these, one for each contender. BENCHMARKS.md is made of nothing else. */
import { median } from './statistics.ts';

export interface RoundResult {
  readonly seconds: number;
  readonly rate: number;
  /** All threads of the contender's process, from its basic.consume (live: from the first publish) to the last ack. */
  readonly cpuMicrosPerMessage: number;
  readonly lost: number;
  readonly duplicates: number;
}

/** ms. noop and mongo: from the read off the socket to the ack. live: from the publish to the ack. */
export interface ResultLatency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface ContenderResult {
  readonly scenario: string;
  readonly contender: string;
  readonly messages: number;
  readonly rounds: readonly RoundResult[];
  /** Median, messages a second. */
  readonly rate: number;
  /** Median. */
  readonly cpuMicrosPerMessage: number;
  /** null: the contender cannot tell. */
  readonly latencyMs: ResultLatency | null;
  readonly environment: ResultEnvironment;
}

/** Where and how it was measured. */
export interface MachineEnvironment {
  /** ISO 8601. */
  readonly at: string;
  readonly command: string;
  /** Revision measured; ends in `+` when the checkout had changes. */
  readonly commit: string;
  readonly node: string;
  readonly os: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** 1-minute load average, and share of CPU in use, before the first round. */
  readonly loadAverage: number;
  readonly busyShare: number;
  readonly rabbitmq: string;
  /** null where nothing is written. */
  readonly database: string | null;
  /** What an acknowledged write of that database survives, as far as it can be told. */
  readonly databaseSync: string | null;
  readonly queueType: string;
  readonly seed: number;
  readonly warmUpMessages: number;
}

export interface ResultEnvironment extends MachineEnvironment {
  readonly prefetch: number | 'auto';
  readonly batch: number | 'auto';
  readonly threads: number | 'auto';
  readonly concurrency: number | null;
  readonly guarantee: string;
  /** What it is compared with, as far as it ran in the same rounds. */
  readonly baselines: readonly string[];
  /** Medians and the highest of all rounds. */
  readonly handlerCalls: number;
  readonly peakRssMiB: number;
  /** live: CPU of the process with the 50 publishers, median. */
  readonly publisherCpuMicrosPerMessage: number | null;
}

export interface Ratio {
  readonly contender: string;
  readonly baseline: string;
  /** Ratio of the two medians. */
  readonly rate: number;
  readonly cpu: number;
  /** Median of the ratios of each round: less touched by a machine that slows down for a while. */
  readonly rateByRound: number;
  readonly cpuByRound: number;
}

function byRound(ours: ContenderResult, theirs: ContenderResult, of: (round: RoundResult) => number): number {
  return median(
    ours.rounds.flatMap((round, i) => {
      const other = theirs.rounds[i];
      return other === undefined ? [] : [of(round) / of(other)];
    }),
  );
}

/** Each contender next to each of its baselines that ran in the same rounds. */
export function ratiosOf(results: readonly ContenderResult[]): Ratio[] {
  return results.flatMap((ours) =>
    ours.environment.baselines.flatMap((name) => {
      const theirs = results.find((other) => other.contender === name);
      return theirs === undefined ? [] : ratioOf(ours, theirs);
    }),
  );
}

function ratioOf(ours: ContenderResult, theirs: ContenderResult): Ratio {
  return {
    contender: ours.contender,
    baseline: theirs.contender,
    rate: ours.rate / theirs.rate,
    cpu: ours.cpuMicrosPerMessage / theirs.cpuMicrosPerMessage,
    rateByRound: byRound(ours, theirs, (round) => round.rate),
    cpuByRound: byRound(ours, theirs, (round) => round.cpuMicrosPerMessage),
  };
}
