/** What a scenario can be varied by. Each is an option of the command line and stands in the results. */

export interface ParameterAbout {
  readonly flag: string;
  readonly unit: string;
  readonly lowest: number;
  readonly highest: number;
  readonly whole: boolean;
  readonly about: string;
}

export const PARAMETERS = {
  taskMs: { flag: 'task-ms', unit: 'ms', lowest: 0.01, highest: 60_000, whole: false, about: 'how long a task hashes' },
  longMs: {
    flag: 'long-ms',
    unit: 'ms',
    lowest: 0.01,
    highest: 60_000,
    whole: false,
    about: 'how long each hundredth task hashes',
  },
  arrivalRate: {
    flag: 'arrival-rate',
    unit: 'msg/s',
    lowest: 1,
    highest: 100_000,
    whole: true,
    about: 'how fast messages arrive',
  },
  arrivalShare: {
    flag: 'arrival-share',
    unit: '%',
    lowest: 1,
    highest: 100,
    whole: false,
    about: 'how fast messages arrive, of what publishing allows',
  },
  burstMessages: {
    flag: 'burst-messages',
    unit: 'messages',
    lowest: 1,
    highest: 1_000_000,
    whole: true,
    about: 'how many arrive at once',
  },
  bodyBytes: {
    flag: 'body-bytes',
    unit: 'bytes',
    lowest: 100,
    highest: 1_048_576,
    whole: true,
    about: 'how long each body is',
  },
  window: { flag: 'window', unit: 'messages', lowest: 1, highest: 65_535, whole: true, about: 'unconfirmed at once' },
} as const satisfies Readonly<Record<string, ParameterAbout>>;

export type ParameterName = keyof typeof PARAMETERS;
export type Parameters = { readonly [name in ParameterName]?: number };

export const PARAMETER_NAMES = Object.keys(PARAMETERS) as ParameterName[];

/** `task-ms 10`; empty without parameters. */
export function describeParameters(parameters: Parameters): string {
  return PARAMETER_NAMES.filter((name) => parameters[name] !== undefined)
    .map((name) => `${PARAMETERS[name].flag} ${parameters[name]}`)
    .join(', ');
}
