/** Gathers what each turn gave and makes the results of it. */
import { CATALOGUE } from '../contenders/catalogue.ts';
import type { Settings } from '../contenders/entry.ts';
import { isLimitOf } from './combined-limit.ts';
import type { Turn } from './interleave.ts';
import type { Parameters } from './parameters.ts';
import type { ContenderResult, MachineEnvironment, ResultLatency, RoundResult } from './result.ts';
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
  /** What the scenario measures besides. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface RecordedTurn {
  readonly turn: Turn;
  readonly messages: number;
  readonly result: TurnResult;
}

export interface RunDescription {
  readonly scenario: string;
  readonly parameters: Parameters;
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
  of(contender: string): RecordedTurn[] {
    return this.turns.filter(({ turn }) => turn.contender === contender && turn.round > 0);
  }

  results(contenders: readonly string[], run: RunDescription): ContenderResult[] {
    const ran = contenders.filter((name) => this.of(name).length > 0);
    return contenders.map((contender) => this.#result(contender, run, ran));
  }

  #result(contender: string, run: RunDescription, ran: readonly string[]): ContenderResult {
    const entry = CATALOGUE[contender];
    if (entry === undefined) throw new Error(`no contender ${contender}`);
    const counted = this.of(contender);
    const turns = counted.map(({ result }) => result);
    const { prefetch, batch, threads, concurrency } = entry.settings(run.settings);
    const rounds = counted.map(roundOf);
    const publisher = counted.flatMap(({ messages, result }) =>
      result.publisherCpuMicros === undefined ? [] : [result.publisherCpuMicros / messages],
    );
    return {
      scenario: run.scenario,
      contender,
      parameters: run.parameters,
      messages: counted[0]?.messages ?? 0,
      rounds,
      rate: Math.round(median(rounds.map((round) => round.rate))),
      cpuMicrosPerMessage: rounded(median(rounds.map((round) => round.cpuMicrosPerMessage)), 3),
      latencyMs: medianLatency(turns.flatMap((turn) => turn.latency ?? [])),
      figures: medianFigures(rounds),
      environment: {
        ...run.machine,
        prefetch,
        batch,
        threads,
        concurrency: concurrency ?? null,
        ...(entry.options === undefined ? {} : { options: entry.options }),
        guarantee: entry.guarantee,
        baselines: entry.baselines?.filter((name) => ran.includes(name) || isLimitOf(name, ran)) ?? [],
        handlerCalls: median(turns.map((turn) => turn.handlerCalls)),
        peakRssMiB: Math.max(...turns.map((turn) => turn.peakRssMiB)),
        publisherCpuMicrosPerMessage: publisher.length === 0 ? null : rounded(median(publisher), 3),
      },
    };
  }
}

function roundOf({ messages, result }: RecordedTurn): RoundResult {
  const { latency, figures = {} } = result;
  return {
    seconds: rounded(result.seconds, 4),
    rate: Math.round(result.acked / result.seconds),
    cpuMicrosPerMessage: rounded(result.cpuMicros / messages, 3),
    lost: result.lost,
    duplicates: result.duplicates,
    latencyMs: latency === undefined ? null : medianLatency([latency]),
    figures: Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, rounded(value, 4)])),
  };
}

function medianFigures(rounds: readonly RoundResult[]): Record<string, number> {
  const names = Object.keys(rounds[0]?.figures ?? {});
  return Object.fromEntries(
    names.map((name) => [name, rounded(median(rounds.map(({ figures }) => figures[name] ?? Number.NaN)), 4)]),
  );
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
