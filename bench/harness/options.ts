/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import { chooseContenders, writesIn } from '../contenders/catalogue.ts';
import type { Settings } from '../contenders/entry.ts';
import { aboutScenario, SCENARIO_NAMES, type ScenarioName } from '../scenarios/about.ts';
import { chooseKnobRuns } from '../suite/knob-runs.ts';
import { PARAMETER_NAMES, PARAMETERS, type ParameterName, type Parameters } from './parameters.ts';
import type { QueueType } from './queue-admin.ts';

export interface BenchOptions {
  readonly scenario: ScenarioName;
  readonly contenders: readonly string[];
  readonly messages: number;
  readonly rounds: number;
  readonly queueType: QueueType;
  readonly settings: Settings;
  /** Checkout of millrace-before. */
  readonly before: string | undefined;
  readonly json: string | undefined;
  readonly seed: number;
  readonly force: boolean;
  readonly skipBuild: boolean;
  /** Those that the scenario has. */
  readonly parameters: Parameters;
  /** A contender of the run writes documents. */
  readonly writes: boolean;
}

export class UsageError extends Error {}

export const DEFAULTS: Settings = { prefetch: 2000, batch: 500, threads: 1 };

const FLAGS = {
  messages: { type: 'string' },
  rounds: { type: 'string' },
  'queue-type': { type: 'string', default: 'quorum' },
  prefetch: { type: 'string' },
  batch: { type: 'string' },
  threads: { type: 'string' },
  before: { type: 'string' },
  against: { type: 'string', multiple: true, default: [] as string[] },
  only: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'string' },
  seed: { type: 'string' },
  force: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  'skip-build': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** One text option for each parameter. */
const PARAMETER_FLAGS = Object.fromEntries(
  PARAMETER_NAMES.map((name) => [PARAMETERS[name].flag, { type: 'string' as const }]),
);

function count(name: string, text: string | undefined, fallback: number, lowest = 1): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= lowest && value < 2 ** 32) return value;
  throw new UsageError(`--${name} must be a whole number from ${lowest}, got "${text}"`);
}

function parameter(name: ParameterName, text: string): number {
  const { flag, lowest, highest, whole } = PARAMETERS[name];
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= lowest && value <= highest && (!whole || Number.isInteger(value))) return value;
  throw new UsageError(
    `--${flag} must be a ${whole ? 'whole ' : ''}number from ${lowest} to ${highest}, got "${text}"`,
  );
}

/** Those of the scenario, as given or by default. */
function parametersOf(scenario: ScenarioName, given: Readonly<Record<string, unknown>>): Parameters {
  const chosen: Partial<Record<ParameterName, number>> = { ...aboutScenario(scenario).parameters };
  for (const name of PARAMETER_NAMES) {
    const { flag } = PARAMETERS[name];
    const text = given[flag];
    if (typeof text !== 'string') continue;
    if (chosen[name] === undefined) throw new UsageError(`${scenario} has no --${flag}; --help tells what it has`);
    chosen[name] = parameter(name, text);
  }
  return chosen;
}

type Parsed = ReturnType<typeof parseArgs<{ options: typeof FLAGS; allowPositionals: true }>>;

function parse(args: readonly string[]): Parsed {
  try {
    const options = { ...FLAGS, ...PARAMETER_FLAGS } as typeof FLAGS; // the parameters are read by parametersOf
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function scenarioOf(positionals: readonly string[]): ScenarioName {
  const scenario = SCENARIO_NAMES.find((known) => known === positionals[0]);
  if (scenario !== undefined && positionals.length === 1) return scenario;
  const got = positionals.length === 0 ? 'none' : `"${positionals.join(' ')}"`;
  throw new UsageError(
    `one scenario is needed (${SCENARIO_NAMES.join(', ')}), all or knobs, got ${got}; --help tells more`,
  );
}

function listed(texts: readonly string[]): string[] {
  return texts
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function namesOf(scenario: ScenarioName, against: readonly string[], only: readonly string[]): string[] {
  try {
    return chooseContenders(scenario, listed(against), listed(only));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** All runs of bench/suite/runs.ts instead of one scenario. */
export interface SuiteOptions {
  readonly suite: true;
  /** Those of bench/suite/knob-runs.ts instead: of these knobs, of all where none is named. */
  readonly knobs?: readonly string[];
  readonly quick: boolean;
  readonly force: boolean;
}

const WITH_SUITE = ['--force', '--quick', 'all'];

function suiteOptions(args: readonly string[], { values }: Parsed): SuiteOptions {
  const other = args.find((arg) => !WITH_SUITE.includes(arg));
  if (other !== undefined) throw new UsageError(`all and --quick take only --force beside them, got "${other}"`);
  return { suite: true, quick: values.quick, force: values.force };
}

function knobOptions(args: readonly string[], { values, positionals }: Parsed): SuiteOptions {
  const other = args.find((arg) => arg.startsWith('-') && arg !== '--force');
  if (other !== undefined) throw new UsageError(`knobs takes only names and --force beside it, got "${other}"`);
  const knobs = listed(positionals.slice(1));
  try {
    chooseKnobRuns(knobs);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return { suite: true, knobs, quick: false, force: values.force };
}

/** `'help'` when only the help text is wanted. Throws UsageError. */
export function parseOptions(args: readonly string[]): BenchOptions | SuiteOptions | 'help' {
  const parsed = parse(args);
  const { values, positionals } = parsed;
  if (values.help) return 'help';
  if (positionals[0] === 'knobs') return knobOptions(args, parsed);
  if (values.quick || positionals[0] === 'all') return suiteOptions(args, parsed);
  const scenario = scenarioOf(positionals);
  const queueType = values['queue-type'];
  if (queueType !== 'quorum' && queueType !== 'classic') {
    throw new UsageError(`--queue-type must be quorum or classic, got "${queueType}"`);
  }
  const contenders = namesOf(scenario, values.against, values.only);
  const threads = count('threads', values.threads, DEFAULTS.threads);
  const parameters = parametersOf(scenario, values);
  const about = aboutScenario(scenario);
  return {
    scenario,
    contenders,
    messages: count('messages', values.messages, about.messages(parameters, threads)),
    rounds: count('rounds', values.rounds, about.rounds),
    queueType,
    settings: {
      prefetch: count('prefetch', values.prefetch, DEFAULTS.prefetch),
      batch: count('batch', values.batch, DEFAULTS.batch),
      threads,
    },
    parameters,
    before: values.before,
    json: values.json,
    seed: count('seed', values.seed, Math.floor(Math.random() * 2 ** 31), 0),
    force: values.force,
    skipBuild: values['skip-build'],
    writes: contenders.some((name) => writesIn(name, scenario)),
  };
}
