/** The catalogue's entries of `npm run bench -- knobs`: millrace with its own choices but for one option. */
import type { ContenderJob, MillraceOptions } from './contender.ts';
import { automatic, type CatalogueEntry } from './entry.ts';

export type KnobScenario = 'noop' | 'mongo' | 'latency' | 'payload' | 'cpu';

export interface KnobValue {
  readonly value: string;
  readonly settings?: Partial<Pick<ContenderJob, 'prefetch' | 'batch' | 'threads'>>;
  readonly options?: MillraceOptions;
}

export interface Knob {
  /** In names of runs and contenders. */
  readonly name: string;
  /** Its path in docs/reference/options.md. */
  readonly option: string;
  /** What it is where nobody turns it. */
  readonly own: string;
  readonly values: readonly KnobValue[];
  /** Where it can make a difference. */
  readonly scenarios: readonly KnobScenario[];
}

function each<const T extends string | number>(
  values: readonly T[],
  turn: (value: T) => Omit<KnobValue, 'value'>,
): KnobValue[] {
  return values.map((value) => ({ value: String(value), ...turn(value) }));
}

export const KNOBS: readonly Knob[] = [
  {
    name: 'prefetch',
    option: 'prefetch',
    own: 'auto',
    values: each([100, 1000, 4000], (prefetch) => ({ settings: { prefetch } })),
    scenarios: ['noop', 'mongo'],
  },
  {
    name: 'target',
    option: 'batching.target',
    own: 'auto',
    values: each([32, 256, 2048], (batch) => ({ settings: { batch } })),
    scenarios: ['noop', 'mongo', 'latency'],
  },
  {
    name: 'max-age',
    option: 'batching.maxAge',
    own: '5ms',
    values: each(['0ms', '20ms'], (maxAge) => ({ options: { batching: { maxAge } } })),
    scenarios: ['noop', 'latency'],
  },
  {
    name: 'max-bytes',
    option: 'batching.maxBytes',
    own: '1MiB',
    values: each(['64KiB', '16MiB'], (maxBytes) => ({ options: { batching: { maxBytes } } })),
    scenarios: ['payload'],
  },
  {
    name: 'credit',
    option: 'credit.bytes',
    own: '64MiB',
    values: each(['1MiB', '8MiB'], (bytes) => ({ options: { credit: { bytes } } })),
    scenarios: ['payload'],
  },
  {
    name: 'threads',
    option: 'threads',
    own: 'cores − 1',
    values: each([1, 2], (threads) => ({ settings: { threads } })),
    scenarios: ['noop', 'cpu', 'latency'],
  },
  {
    name: 'connections',
    option: 'store.connectionsPerThread',
    own: '2',
    values: each([1, 4], (connectionsPerThread) => ({ options: { store: { connectionsPerThread } } })),
    scenarios: ['mongo'],
  },
];

/** millrace as it is where no option is set, in each scenario: what all values are compared with. */
export function untouched(scenario: KnobScenario): string {
  return scenario === 'latency' ? 'millrace-noop' : 'millrace-auto';
}

export function turnedName(knob: Knob, { value }: KnobValue): string {
  return `millrace-${knob.name}-${value}`;
}

function entryOf(knob: Knob, { value, settings, options }: KnobValue): CatalogueEntry {
  return {
    module: 'millrace',
    settings: (given) => ({ ...automatic(given), ...settings }),
    ...(options === undefined ? {} : { options }),
    scenarios: knob.scenarios,
    standard: [],
    baselines: [...new Set(knob.scenarios.map(untouched))],
    about: `millrace with its own defaults, but ${knob.option} ${value}`,
    guarantee: 'at least once; ack after the outcome is stored; inserts once',
  };
}

export const KNOB_CONTENDERS: Readonly<Record<string, CatalogueEntry>> = Object.fromEntries(
  KNOBS.flatMap((knob) => knob.values.map((value) => [turnedName(knob, value), entryOf(knob, value)])),
);
