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
  /** Messages of the warm-up, of those of a round: enough for broker and database; processes warm up by themselves anyway. */
  readonly warmUp: (messages: number) => number;
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
const DUE_TO_ACK =
  'from when the clock said that it should be published to the ack, whether or not the publisher was on time; without the first fifth of each round';
const LATENCY_FIGURES = { p90: 'p90 ms', p999: 'p99.9 ms', late: 'publisher late p99 ms' };
/** What a round of cpu keeps each thread busy for. */
const CPU_SECONDS = 5;
/** How long messages arrive in a round of latency. */
const ARRIVAL_SECONDS = 10;

/** Bytes of bodies in a round of payload, as far as MOST and LEAST allow: more would measure the broker's memory. */
const PAYLOAD_BYTES = 256 * 1024 * 1024;
const PAYLOAD_MOST = 200_000;
const PAYLOAD_LEAST = 200;

const atMost20k = (messages: number): number => Math.min(messages, 20_000);
const shareOf =
  (share: number) =>
  (messages: number): number =>
    Math.ceil(messages * share);

export const SCENARIOS = {
  noop: {
    title: 'A preloaded queue, a task that does nothing',
    about: 'a preloaded queue is drained by a task that does nothing',
    messages: () => 200_000,
    rounds: 7,
    warmUp: atMost20k,
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
    warmUp: atMost20k,
    writes: true,
    parameters: {},
    latency: HAND_OVER,
    compares: ['rate', 'cpu'],
    figures: {},
  },
  workload: {
    title: 'A preloaded queue, a document a message, one task of a hundred fails first',
    about: 'mongo with one task of a hundred that fails and is tried again 100 ms later',
    messages: () => 200_000,
    rounds: 7,
    warmUp: atMost20k,
    writes: true,
    parameters: {},
    latency: HAND_OVER,
    compares: ['rate', 'cpu'],
    figures: { retries: 'retries' },
  },
  cpu: {
    title: 'A preloaded queue, a task that hashes',
    about: 'a preloaded queue is drained by a task that hashes for --task-ms; by default 5 s of work a thread',
    messages: ({ taskMs = 1 }, threads) => Math.ceil((CPU_SECONDS * 1000 * threads) / taskMs),
    rounds: 7,
    warmUp: (messages) => atMost20k(Math.ceil(messages / 10)),
    writes: false,
    parameters: { taskMs: 10 },
    latency: HAND_OVER,
    compares: ['rate', 'cpu', 'threadsBusy'],
    figures: { threadsBusy: 'threads busy' },
  },
  'cpu-mixed': {
    title: 'Short tasks and a few long ones in one queue',
    about:
      'messages arrive at --arrival-rate; 99 of 100 hash for --task-ms, one for --long-ms; by default half of 2 threads',
    messages: ({ arrivalRate = 1 }) => arrivalRate * ARRIVAL_SECONDS,
    rounds: 7,
    warmUp: shareOf(0.3),
    writes: false,
    parameters: { taskMs: 1, longMs: 100, arrivalRate: 500 },
    latency: `${DUE_TO_ACK}; of the short tasks only`,
    compares: ['p50', 'p90', 'p99'],
    figures: { p90: 'p90 ms', p999: 'p99.9 ms', longP50: 'p50 of the long ms', threadsBusy: 'threads busy' },
  },
  live: {
    title: '50 publishers, each awaiting its confirm, and one consumer at once',
    about: '50 publishers, each awaiting its confirm, and one consumer at once',
    messages: () => 100_000,
    rounds: 7,
    warmUp: atMost20k,
    writes: false,
    parameters: {},
    latency: END_TO_END,
    compares: ['rate', 'cpu'],
    figures: {},
  },
  latency: {
    title: 'Messages that arrive by the clock',
    about: 'messages arrive by the clock, at --arrival-rate; by default for 10 s',
    messages: ({ arrivalRate = 1 }) => arrivalRate * ARRIVAL_SECONDS,
    rounds: 7,
    warmUp: shareOf(0.3),
    writes: false,
    parameters: { arrivalRate: 1000 },
    latency: DUE_TO_ACK,
    compares: ['p50', 'p99', 'cpu'],
    figures: LATENCY_FIGURES,
  },
  'latency-share': {
    title: 'Messages that arrive by the clock, at a share of what publishing allows',
    about: 'the same at --arrival-share of what publishers reach with a bare reader, measured first',
    messages: () => 100_000,
    rounds: 7,
    warmUp: shareOf(0.2),
    writes: false,
    parameters: { arrivalShare: 80 },
    latency: DUE_TO_ACK,
    compares: ['p50', 'p99', 'cpu'],
    figures: { arrival: 'arrival msg/s', ...LATENCY_FIGURES },
  },
  burst: {
    title: 'Messages that arrive by the clock, and many of them at once',
    about: 'messages arrive at --arrival-rate for 10 s, after 2 s of it --burst-messages more at once',
    messages: ({ arrivalRate = 1, burstMessages = 0 }) => arrivalRate * ARRIVAL_SECONDS + burstMessages,
    rounds: 7,
    warmUp: (messages) => messages,
    writes: false,
    parameters: { arrivalRate: 1000, burstMessages: 20_000 },
    latency: 'from when the clock said that it should be published to the ack, of every message, the burst included',
    compares: ['recovery', 'p99', 'cpu'],
    figures: { recovery: 'recovery s', backlog: 'peak backlog', late: 'publisher late p99 ms' },
  },
  payload: {
    title: 'A preloaded queue of bodies of a given size',
    about: 'noop with bodies of --body-bytes; 256 MiB of them, at most 200000',
    messages: ({ bodyBytes = 1 }) =>
      Math.min(PAYLOAD_MOST, Math.max(PAYLOAD_LEAST, Math.floor(PAYLOAD_BYTES / bodyBytes))),
    rounds: 7,
    warmUp: (messages) => atMost20k(Math.ceil(messages / 4)),
    writes: false,
    parameters: { bodyBytes: 10_240 },
    latency: HAND_OVER,
    compares: ['rate', 'cpu'],
    figures: { megabytes: 'MB/s' },
  },
  publish: {
    title: 'An empty queue is filled, each message confirmed',
    about: 'an empty queue is filled; from the call to the last confirm',
    messages: () => 200_000,
    rounds: 7,
    warmUp: atMost20k,
    writes: false,
    parameters: { window: 2000 },
    latency: 'not measured: what counts here is how fast all are confirmed',
    compares: ['rate', 'cpu'],
    figures: {},
  },
  fleet: {
    title: 'One process and two, on one queue and two',
    about: 'the same number of messages is drained by one process or two, from one queue or two',
    messages: () => 400_000,
    rounds: 7,
    warmUp: atMost20k,
    writes: false,
    parameters: {},
    latency: 'not measured',
    compares: ['rate', 'cpu'],
    figures: { leastShare: 'least share of a process' },
  },
  embedded: {
    title: 'Broker and store in memory, in one process',
    about: 'what is in a queue in memory is drained by a task that does nothing; no server is needed',
    messages: () => 400_000,
    rounds: 7,
    warmUp: atMost20k,
    writes: false,
    parameters: {},
    latency: 'from the hand-over by the broker in memory to the ack, mostly waiting, because the queue is never empty',
    compares: ['rate', 'cpu'],
    figures: { threadsBusy: 'threads busy' },
  },
} as const satisfies Readonly<Record<string, ScenarioAbout>>;

export type ScenarioName = keyof typeof SCENARIOS;

export const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[];

export function aboutScenario(name: ScenarioName): ScenarioAbout {
  return SCENARIOS[name];
}
