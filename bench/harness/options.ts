/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import {
  CATALOGUE,
  chooseContenders,
  contendersFor,
  SCENARIOS,
  type Scenario,
  type Settings,
} from '../contenders/catalogue.ts';
import type { QueueType } from './queue-admin.ts';

export interface BenchOptions {
  readonly scenario: Scenario;
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
  /** cpu: how long a task hashes, ms. */
  readonly taskMs: number | undefined;
  /** A contender of the run writes documents. */
  readonly writes: boolean;
}

export class UsageError extends Error {}

const DEFAULTS = {
  messages: { noop: 200_000, mongo: 200_000, live: 100_000, cpu: undefined },
  rounds: { noop: 7, mongo: 7, live: 3, cpu: 7 },
  prefetch: 2000,
  batch: 250,
  threads: 1,
  taskMs: 10,
} as const;

/** What a round of cpu keeps each thread busy for. */
const CPU_SECONDS = 5;

const FLAGS = {
  messages: { type: 'string' },
  rounds: { type: 'string' },
  'queue-type': { type: 'string', default: 'quorum' },
  prefetch: { type: 'string' },
  batch: { type: 'string' },
  threads: { type: 'string' },
  'task-ms': { type: 'string' },
  before: { type: 'string' },
  against: { type: 'string', multiple: true, default: [] as string[] },
  only: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'string' },
  seed: { type: 'string' },
  force: { type: 'boolean', default: false },
  'skip-build': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function contenderLines(scenario: Scenario): string {
  const lines = contendersFor(scenario).map(
    ([name, entry]) => `    ${entry.standard.includes(scenario) ? '•' : ' '} ${name.padEnd(22)} ${entry.about}`,
  );
  return `  ${scenario}\n${lines.join('\n')}`;
}

export function helpText(): string {
  return `Usage: npm run bench -- SCENARIO [options]

Scenarios
  noop    a preloaded queue is drained by a task that does nothing
  mongo   the same, with a document a message
  live    50 publishers, each awaiting its confirm, and one consumer at once
  cpu     a preloaded queue is drained by a task that hashes for --task-ms

Options
  --messages N        messages a contender gets in each round (${DEFAULTS.messages.noop}; live ${DEFAULTS.messages.live}; cpu: ${CPU_SECONDS} s of work a thread)
  --rounds N          counted rounds, after a warm-up (${DEFAULTS.rounds.noop}; live ${DEFAULTS.rounds.live})
  --queue-type TYPE   quorum or classic (quorum)
  --prefetch N        for contenders that do not choose themselves (${DEFAULTS.prefetch})
  --batch N           the same (${DEFAULTS.batch})
  --threads N         the same (${DEFAULTS.threads})
  --task-ms MS        cpu: how long a task hashes, 0.01 and more (${DEFAULTS.taskMs})
  --against NAME,…    further contenders
  --before DIR        the checkout that the contender millrace-before is taken from, with a built dist/
  --only NAME,…       these contenders and no others
  --json FILE         where the results go as JSON
  --seed N            for message ids and the order of contenders (random, printed)
  --force             measure although the machine is busy
  --skip-build        measure dist/ as it is
  --help              this text

Contenders (• always there, others by --against)
${SCENARIOS.map(contenderLines).join('\n')}

Servers: AMQP_URL and MONGO_URL, or those found or started as "npm run services -- --help" describes.
The bench uses a queue and a database of its own and removes them.
Exit code: 0, 1 when a message was lost or duplicated or a run failed, 2 when the command line is wrong.`;
}

function count(name: string, text: string | undefined, fallback: number, lowest = 1): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= lowest && value < 2 ** 32) return value;
  throw new UsageError(`--${name} must be a whole number from ${lowest}, got "${text}"`);
}

function milliseconds(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (value >= 0.01 && value <= 60_000) return value;
  throw new UsageError(`--task-ms must be a number from 0.01 to 60000, got "${text}"`);
}

function messagesFor(taskMs: number, threads: number): number {
  return Math.ceil((CPU_SECONDS * 1000 * threads) / taskMs);
}

type Parsed = ReturnType<typeof parseArgs<{ options: typeof FLAGS; allowPositionals: true }>>;

function parse(args: readonly string[]): Parsed {
  try {
    return parseArgs({ args: [...args], options: FLAGS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function scenarioOf(positionals: readonly string[]): Scenario {
  const scenario = SCENARIOS.find((known) => known === positionals[0]);
  if (scenario !== undefined && positionals.length === 1) return scenario;
  const got = positionals.length === 0 ? 'none' : `"${positionals.join(' ')}"`;
  throw new UsageError(`one scenario is needed (${SCENARIOS.join(', ')}), got ${got}; --help tells more`);
}

function listed(texts: readonly string[]): string[] {
  return texts
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function namesOf(scenario: Scenario, against: readonly string[], only: readonly string[]): string[] {
  try {
    return chooseContenders(scenario, listed(against), listed(only));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** `'help'` when only the help text is wanted. Throws UsageError. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const scenario = scenarioOf(positionals);
  const queueType = values['queue-type'];
  if (queueType !== 'quorum' && queueType !== 'classic') {
    throw new UsageError(`--queue-type must be quorum or classic, got "${queueType}"`);
  }
  const contenders = namesOf(scenario, values.against, values.only);
  const threads = count('threads', values.threads, DEFAULTS.threads);
  const taskMs = milliseconds(values['task-ms'], DEFAULTS.taskMs);
  return {
    scenario,
    contenders,
    messages: count('messages', values.messages, DEFAULTS.messages[scenario] ?? messagesFor(taskMs, threads)),
    rounds: count('rounds', values.rounds, DEFAULTS.rounds[scenario]),
    queueType,
    settings: {
      prefetch: count('prefetch', values.prefetch, DEFAULTS.prefetch),
      batch: count('batch', values.batch, DEFAULTS.batch),
      threads,
    },
    taskMs: scenario === 'cpu' ? taskMs : undefined,
    before: values.before,
    json: values.json,
    seed: count('seed', values.seed, Math.floor(Math.random() * 2 ** 31), 0),
    force: values.force,
    skipBuild: values['skip-build'],
    writes: contenders.some((name) => CATALOGUE[name]?.writes ?? scenario === 'mongo'),
  };
}
