/** Every scenario by its name: what it does, what it compares, and how much of it is a round. The code is beside this. */
import type { Parameters } from '../harness/parameters.ts';

export interface ScenarioAbout {
  /** Heading in BENCHMARKS.md. */
  readonly title: string;
  /** Line of the help text. */
  readonly about: string;
  /** Messages a contender gets in each round. */
  readonly messages: (parameters: Parameters, threads: number) => number;
  readonly rounds: number;
  /** Contenders write a document a message, where their own entry says nothing else. */
  readonly writes: boolean;
  /** What it can be varied by, and the values without options. */
  readonly parameters: Parameters;
  /** From where to where its latencies run. */
  readonly latency: string;
  /** What contenders are compared by, most telling first: rate, cpu, p50, p99 or a figure of its own. */
  readonly compares: readonly string[];
  /** Its own figures: column titles by name, unit included. */
  readonly figures: Readonly<Record<string, string>>;
}

const HAND_OVER =
  'from the read off the socket to the ack, mostly waiting, because the queue is never empty; bare reader and prototype: of the oldest message of each batch';
const END_TO_END = 'from the publish to the ack, of every message';
/** What a round of cpu keeps each thread busy for. */
const CPU_SECONDS = 5;

export const SCENARIOS = {
  noop: {
    title: 'A preloaded queue, a task that does nothing',
    about: 'a preloaded queue is drained by a task that does nothing',
    messages: () => 200_000,
    rounds: 7,
    writes: false,
    parameters: {},
    latency: HAND_OVER,
    compares: ['rate', 'cpu'],
    figures: {},
  },
  mongo: {
    title: 'A preloaded queue, a document a message',
    about: 'the same, with a document a message',
    messages: () => 200_000,
    rounds: 7,
    writes: true,
    parameters: {},
    latency: HAND_OVER,
    compares: ['rate', 'cpu'],
    figures: {},
  },
  cpu: {
    title: 'A preloaded queue, a task that hashes',
    about: 'a preloaded queue is drained by a task that hashes for --task-ms; by default 5 s of work a thread',
    messages: ({ taskMs = 1 }, threads) => Math.ceil((CPU_SECONDS * 1000 * threads) / taskMs),
    rounds: 7,
    writes: false,
    parameters: { taskMs: 10 },
    latency: HAND_OVER,
    compares: ['rate', 'cpu'],
    figures: {},
  },
  live: {
    title: '50 publishers, each awaiting its confirm, and one consumer at once',
    about: '50 publishers, each awaiting its confirm, and one consumer at once',
    messages: () => 100_000,
    rounds: 7,
    writes: false,
    parameters: {},
    latency: END_TO_END,
    compares: ['rate', 'cpu'],
    figures: {},
  },
} as const satisfies Readonly<Record<string, ScenarioAbout>>;

export type ScenarioName = keyof typeof SCENARIOS;

export const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[];

export function aboutScenario(name: ScenarioName): ScenarioAbout {
  return SCENARIOS[name];
}
