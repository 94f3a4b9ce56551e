/** Gathers what each turn gave and makes the results of it. */
import { CATALOGUE, type Settings } from '../contenders/catalogue.ts';
import type { Turn } from './interleave.ts';
import type { ContenderResult, MachineEnvironment, ResultLatency } from './result.ts';
import { median, rounded } from './statistics.ts';
import type { Verdict } from './verdict.ts';

export interface TurnResult extends Verdict {
  readonly seconds: number;
  /** Fewer than there were messages where the run got stuck. */
  readonly acked: number;
  readonly cpuMicros: number;
  readonly latency: ResultLatency | undefined;
  readonly handlerCalls: number;
  readonly checksum: number;
  readonly expectedChecksum: number;
  readonly peakRssMiB: number;
  readonly publisherCpuMicros: number | undefined;
}

export interface RecordedTurn {
  readonly turn: Turn;
  readonly messages: number;
  readonly result: TurnResult;
}

export interface RunDescription {
  readonly scenario: string;
  readonly messages: number;
  readonly settings: Settings;
  readonly machine: MachineEnvironment;
}

export class Recorder {
  readonly turns: RecordedTurn[] = [];

  add(turn: Turn, messages: number, result: TurnResult): void {
    this.turns.push({ turn, messages, result });
  }

  /** Something was lost, duplicated or otherwise wrong, the warm-up included. */
  get failed(): boolean {
    return this.turns.some(({ result }) => result.lost !== 0 || result.duplicates !== 0 || result.faults.length > 0);
  }

  /** The counted turns of one contender, in the order of the rounds. */
  of(contender: string): TurnResult[] {
    return this.turns.filter(({ turn }) => turn.contender === contender && turn.round > 0).map(({ result }) => result);
  }

  results(contenders: readonly string[], run: RunDescription): ContenderResult[] {
    return contenders.map((contender) => this.#result(contender, run));
  }

  #result(contender: string, run: RunDescription): ContenderResult {
    const entry = CATALOGUE[contender];
    if (entry === undefined) throw new Error(`no contender ${contender}`);
    const turns = this.of(contender);
    const { prefetch, batch, threads, concurrency } = entry.settings(run.settings);
    const rounds = turns.map((turn) => ({
      seconds: rounded(turn.seconds, 4),
      rate: Math.round(turn.acked / turn.seconds),
      cpuMicrosPerMessage: rounded(turn.cpuMicros / run.messages, 3),
      lost: turn.lost,
      duplicates: turn.duplicates,
    }));
    const publisher = turns.flatMap((turn) => turn.publisherCpuMicros ?? []);
    return {
      scenario: run.scenario,
      contender,
      messages: run.messages,
      rounds,
      rate: Math.round(median(rounds.map((round) => round.rate))),
      cpuMicrosPerMessage: rounded(median(rounds.map((round) => round.cpuMicrosPerMessage)), 3),
      latencyMs: medianLatency(turns.flatMap((turn) => turn.latency ?? [])),
      environment: {
        ...run.machine,
        prefetch,
        batch,
        threads,
        concurrency: concurrency ?? null,
        guarantee: entry.guarantee,
        baselines: entry.baselines?.filter((name) => this.of(name).length > 0) ?? [],
        handlerCalls: median(turns.map((turn) => turn.handlerCalls)),
        peakRssMiB: Math.max(...turns.map((turn) => turn.peakRssMiB)),
        publisherCpuMicrosPerMessage: publisher.length === 0 ? null : rounded(median(publisher) / run.messages, 3),
      },
    };
  }
}

/** Percentiles of rounds cannot be merged: their medians, and the highest of the maxima. */
function medianLatency(latencies: readonly ResultLatency[]): ResultLatency | null {
  if (latencies.length === 0) return null;
  return {
    p50: rounded(median(latencies.map((latency) => latency.p50)), 3),
    p99: rounded(median(latencies.map((latency) => latency.p99)), 3),
    max: rounded(Math.max(...latencies.map((latency) => latency.max)), 3),
  };
}
