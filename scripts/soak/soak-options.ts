import { parseArgs } from 'node:util';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly rate: number;
  readonly workers: number;
  readonly json: string | undefined;
  readonly log: string | undefined;
  /** Only faults whose kind contains this; `none`: no fault at all. */
  readonly only: string | undefined;
  readonly sabotage: boolean;
}

export const SOAK_HELP = `Usage: npm run soak -- [options]

Sends a mix of messages through workers while everything around them fails at random, and closes a ledger over id sets:
confirmed = stored + dead-lettered + queued, nothing lost, no effect applied twice. Starts its own RabbitMQ and MongoDB.

  --minutes N     how long messages are sent (default 15)
  --seed N        what is random follows from it (default: a new one, printed)
  --rate N        messages a second (default 700)
  --workers N     worker processes of two threads each (default 2)
  --only TEXT     only faults whose kind contains the text; none: no fault at all
  --json FILE     the summary as JSON too
  --log FILE      what the workers log, from warnings up
  --sabotage      forgets one stored message before the ledger is closed: it must then fail
  --help          this text

Exit code: 0 the ledger balances, 1 it does not or something broke that no fault explains, 2 wrong arguments.
`;

const LARGEST_SEED = 2 ** 31;

/** @throws TypeError for what is no number in range; undefined where help is asked for */
export function readSoakOptions(argv: readonly string[]): SoakOptions | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: text,
      seed: text,
      rate: text,
      workers: text,
      only: text,
      json: text,
      log: text,
      sabotage: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    minutes: number('--minutes', values.minutes ?? '15', 0.1, 24 * 60),
    seed: number('--seed', values.seed ?? String(Math.floor(Math.random() * LARGEST_SEED)), 0, LARGEST_SEED),
    rate: number('--rate', values.rate ?? '700', 1, 20_000),
    workers: number('--workers', values.workers ?? '2', 1, 16),
    json: values.json,
    log: values.log,
    only: values.only,
    sabotage: values.sabotage,
  };
}

function number(name: string, given: string, min: number, max: number): number {
  const value = Number(given);
  if (given.trim() !== '' && value >= min && value <= max) return value;
  throw new TypeError(`${name}: got "${given}", expected a number from ${min} to ${max}`);
}
