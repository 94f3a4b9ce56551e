/** What it costs to set an option, for docs/guides/tuning.md: a pure function of the committed results. */
import { type Knob, type KnobScenario, type KnobValue, turnedName, untouched } from '../contenders/knobs.ts';
import type { ResultFile } from '../plots/plots-of.ts';
import { KNOB_RUNS, type KnobRun } from '../suite/knob-runs.ts';
import { aboutResult, type ContenderResult, measureOf } from './result.ts';
import { spread } from './statistics.ts';
import { evenMarkdownTable, whole } from './table.ts';

const NOTHING = 'No figures are committed yet: `npm run bench -- knobs` measures them.';
const HEAD = ['option', 'set to', 'with', 'messages/s', 'CPU a message', 'p50', 'p99'];
const MEASURES = ['rate', 'cpu', 'p50', 'p99'];

const WORK: Readonly<Record<KnobScenario, string>> = {
  noop: 'a full queue, tasks that do nothing',
  mongo: 'a full queue, a document a message',
  payload: 'a full queue, bodies of 10 KiB',
  cpu: 'a full queue, tasks of 1 ms',
  latency: '1,000 messages/s by the clock',
};

interface MeasuredRun extends KnobRun {
  readonly results: readonly ContenderResult[];
  readonly own: ContenderResult;
}

/** Its results stand in docs/guides/tuning.md, all others in BENCHMARKS.md. */
export function isKnobFile({ name }: ResultFile): boolean {
  return name.startsWith('knobs-');
}

function measured(files: readonly ResultFile[]): MeasuredRun[] {
  return KNOB_RUNS.flatMap((run) => {
    const results = files.find(({ name }) => name === `${run.name}.json`)?.results ?? [];
    const own = results.find(({ contender }) => contender === untouched(run.scenario));
    return own === undefined ? [] : [{ ...run, results, own }];
  });
}

/** `0.93 [0.90–0.97]`: the median of the ratios of all rounds, the lowest and the highest. */
function ratioCell(turned: ContenderResult, own: ContenderResult, measure: string): string {
  if (!aboutResult(own).compares.includes(measure)) return '–';
  const ratios = turned.rounds.flatMap((round, i) => {
    const beside = own.rounds[i];
    return beside === undefined ? [] : [measureOf(round, measure) / measureOf(beside, measure)];
  });
  const { median, min, max } = spread(ratios);
  if (!Number.isFinite(median)) return '–';
  return `${median.toFixed(2)} [${min.toFixed(2)}–${max.toFixed(2)}]`;
}

function rowsOf({ knob, scenario, results, own }: MeasuredRun, value: KnobValue): string[][] {
  const turned = results.find(({ contender }) => contender === turnedName(knob, value));
  if (turned === undefined) return [];
  const cells = MEASURES.map((measure) => ratioCell(turned, own, measure));
  return [[`\`${knob.option}\` (${ownValue(knob)})`, `\`${value.value}\``, WORK[scenario], ...cells]];
}

function ownValue({ own }: Knob): string {
  return /^\w+$/.test(own) ? `\`${own}\`` : own;
}

/** What the ratios of a run are ratios to. */
function ownLine({ name, knob, scenario, own }: MeasuredRun): string {
  const { environment: e, latencyMs } = own;
  const cpu = `${own.cpuMicrosPerMessage.toFixed(2)} µs CPU`;
  const reached =
    scenario === 'latency' && latencyMs !== null
      ? `p50 ${latencyMs.p50.toFixed(2)} ms, p99 ${latencyMs.p99.toFixed(2)} ms, ${cpu}`
      : `${whole(own.rate)} messages/s, ${cpu}`;
  const link = `[${name}.json](../../bench/results/${name}.json)`;
  return `- \`${knob.option}\`, ${WORK[scenario]}: ${reached}; ${link}, commit ${e.commit}, ${e.at.slice(0, 10)}`;
}

function ledgerLine(runs: readonly MeasuredRun[]): string {
  const rounds = runs.flatMap(({ results }) => results.flatMap((result) => result.rounds));
  const messages = runs.flatMap(({ results }) => results.map((result) => result.messages * result.rounds.length));
  const sum = (values: readonly number[]): string => whole(values.reduce((total, value) => total + value, 0));
  return `Of ${sum(messages)} messages ${sum(rounds.map(({ lost }) => lost))} were lost and ${sum(rounds.map(({ duplicates }) => duplicates))} came twice.`;
}

/** Machines and servers, each once. */
function places(runs: readonly MeasuredRun[]): string[] {
  const texts = runs.map(({ own: { environment: e } }) => {
    const database = e.database === null ? '' : `; ${e.database}, ${e.databaseSync}`;
    return `${e.cores} cores of ${e.cpu}, ${e.memoryGiB} GiB, ${e.os}, Node ${e.node}; ${e.rabbitmq}, ${e.queueType} queue${database}`;
  });
  return [...new Set(texts)].map((text) => `- ${text}`);
}

export function knobTable(files: readonly ResultFile[]): string {
  const runs = measured(files);
  if (runs.length === 0) return NOTHING;
  const rows = runs.flatMap((run) => run.knob.values.flatMap((value) => rowsOf(run, value)));
  const missing = KNOB_RUNS.filter(({ name }) => !runs.some((run) => run.name === name)).map(({ name }) => name);
  const rounds = [...new Set(runs.map(({ own }) => own.rounds.length))].join(' or ');
  return [
    `Ratios to the same work with the option as it is in parentheses, in one run: median [lowest–highest] of ${rounds} interleaved rounds. 1.00 changes nothing, \`messages/s\` above 1 is faster; in the other columns more is worse.`,
    evenMarkdownTable(HEAD, rows),
    ...(missing.length === 0 ? [] : [`Not measured yet: ${missing.join(', ')}.`]),
    `What 1.00 is, and the data:`,
    runs.map(ownLine).join('\n'),
    `Where it was measured (\`npm run bench -- knobs\`). ${ledgerLine(runs)}`,
    places(runs).join('\n'),
  ].join('\n\n');
}
