/** The JSON of a bench run: an array of these, one for each contender. BENCHMARKS.md is made of nothing else. */
import type { MillraceOptions } from '../contenders/contender.ts';
import { aboutScenario, SCENARIO_NAMES, type ScenarioAbout } from '../scenarios/about.ts';
import { limitRounds } from './combined-limit.ts';
import type { Parameters } from './parameters.ts';
import { median } from './statistics.ts';

export interface RoundResult {
  readonly seconds: number;
  readonly rate: number;
  /** All threads of the contender's process, from its basic.consume (where messages arrive meanwhile: the first publish) to the last ack. */
  readonly cpuMicrosPerMessage: number;
  readonly lost: number;
  readonly duplicates: number;
  /** null: the contender cannot tell. */
  readonly latencyMs: ResultLatency | null;
  /** What the scenario measures besides; titles and units in bench/scenarios/about.ts. */
  readonly figures: Readonly<Record<string, number>>;
}

/** ms. From where to where: bench/scenarios/about.ts. */
export interface ResultLatency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface ContenderResult {
  readonly scenario: string;
  readonly contender: string;
  /** What the scenario was varied by. */
  readonly parameters: Parameters;
  /** In a round, of this contender. */
  readonly messages: number;
  readonly rounds: readonly RoundResult[];
  /** Median, messages a second. */
  readonly rate: number;
  /** Median. */
  readonly cpuMicrosPerMessage: number;
  /** null: the contender cannot tell. */
  readonly latencyMs: ResultLatency | null;
  /** Medians. */
  readonly figures: Readonly<Record<string, number>>;
  readonly environment: ResultEnvironment;
}

/** On what and when it was measured. */
export interface MachineMoment {
  /** ISO 8601. */
  readonly at: string;
  /** Revision measured; ends in `+` when the checkout had changes. */
  readonly commit: string;
  readonly node: string;
  readonly os: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** Of one minute, before the first round. */
  readonly loadAverage: number;
}

/** Where and how it was measured. */
export interface MachineEnvironment extends MachineMoment {
  readonly command: string;
  /** Share of CPU in use before the first round. */
  readonly busyShare: number;
  /** null where the broker is in the contenders' own processes; then nothing says what the queue type means. */
  readonly rabbitmq: string | null;
  /** null where nothing is written. */
  readonly database: string | null;
  /** What an acknowledged write of that database survives, as far as it can be told. */
  readonly databaseSync: string | null;
  readonly queueType: string;
  readonly seed: number;
  readonly warmUpMessages: number;
  /** Contenders that were asked for and cannot run on this machine, and why. */
  readonly missing: Readonly<Record<string, string>>;
  /** What else took part, with versions: servers and languages of other systems. Absent in older results. */
  readonly besides?: readonly string[];
}

export interface ResultEnvironment extends MachineEnvironment {
  readonly prefetch: number | 'auto';
  readonly batch: number | 'auto';
  readonly threads: number | 'auto';
  readonly concurrency: number | null;
  /** What millrace was told besides; absent where that is nothing. */
  readonly options?: MillraceOptions;
  readonly guarantee: string;
  /** What it is compared with, as far as it, or the parts it is made of, ran in the same rounds. */
  readonly baselines: readonly string[];
  /** Medians and the highest of all rounds. */
  readonly handlerCalls: number;
  readonly peakRssMiB: number;
  /** CPU of the process with the publishers, where messages arrive meanwhile; median. */
  readonly publisherCpuMicrosPerMessage: number | null;
}

/** One contender next to one of its baselines, by one of the scenario's measures. */
export interface MeasureRatio {
  readonly measure: string;
  /** Ratio of the two medians. */
  readonly ofMedians: number;
  /** Median of the ratios of each round: less touched by a machine that slows down for a while. */
  readonly byRound: number;
}

export interface Ratio {
  readonly contender: string;
  readonly baseline: string;
  readonly measures: readonly MeasureRatio[];
}

/** NaN where it was not measured. */
export function measureOf(round: RoundResult, measure: string): number {
  if (measure === 'rate') return round.rate;
  if (measure === 'cpu') return round.cpuMicrosPerMessage;
  if (measure === 'p50' || measure === 'p99') return round.latencyMs?.[measure] ?? Number.NaN;
  return round.figures[measure] ?? Number.NaN;
}

/** What is known of its scenario. Throws on a result of one that no longer exists. */
export function aboutResult(result: ContenderResult): ScenarioAbout {
  const name = SCENARIO_NAMES.find((known) => known === result.scenario);
  if (name === undefined) throw new Error(`no scenario ${result.scenario}`);
  return aboutScenario(name);
}

/** `quorum queue`; undefined where no broker makes a difference of it. */
export function queueText({ rabbitmq, queueType }: MachineEnvironment): string | undefined {
  return rabbitmq === null ? undefined : `${queueType} queue`;
}

/** Which broker, and on what kind of queue. */
export function brokerText(environment: MachineEnvironment): string {
  const { rabbitmq } = environment;
  return rabbitmq === null ? "in memory, in the contender's process" : `${rabbitmq}, ${queueText(environment)}`;
}

/** A sentence for each contender that got fewer messages than others, so that its rounds end in time. */
export function shareLines(results: readonly ContenderResult[]): string[] {
  const most = Math.max(...results.map(({ messages }) => messages));
  const fewer = results.filter(({ messages }) => messages < most);
  return fewer.map(({ contender, messages }) => `${contender}: ${messages.toLocaleString('en-US')} messages a round`);
}

/** At most three significant digits; a dash where there is none. */
export function figureText(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

function compared(ours: readonly RoundResult[], theirs: readonly RoundResult[], measure: string): MeasureRatio {
  const rounds = ours.flatMap((round, i) => {
    const other = theirs[i];
    return other === undefined ? [] : [{ own: measureOf(round, measure), other: measureOf(other, measure) }];
  });
  return {
    measure,
    ofMedians: median(rounds.map(({ own }) => own)) / median(rounds.map(({ other }) => other)),
    byRound: median(rounds.map(({ own, other }) => own / other)),
  };
}

/** Each contender next to each of its baselines that ran in the same rounds. */
export function ratiosOf(results: readonly ContenderResult[]): Ratio[] {
  return results.flatMap((ours) =>
    ours.environment.baselines.flatMap((name) => {
      const theirs = results.find((other) => other.contender === name)?.rounds ?? limitRounds(name, results);
      if (theirs === undefined) return [];
      const measures = aboutResult(ours).compares.map((measure) => compared(ours.rounds, theirs, measure));
      return [{ contender: ours.contender, baseline: name, measures }];
    }),
  );
}
