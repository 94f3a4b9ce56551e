import os from 'node:os';
import { busyShare, commit, databaseSync } from './machine.ts';
import type { BenchOptions } from './options.ts';
import type { MachineEnvironment, MachineMoment } from './result.ts';
import { rounded } from './statistics.ts';

/** A machine that is busier than this measures its other work. */
const BUSY_LIMIT = 0.3;
const BUSY_SAMPLE_MS = 1000;
const BUSY_TRIES = 30;

/**
 * The share of CPU in use, once it is low enough; waits half a minute for that, then throws.
 * Not the load average, which remembers the last minutes (the build before, the run before): that is only recorded.
 */
export async function quietMachine(force: boolean): Promise<number> {
  for (let tries = 1; ; tries++) {
    const busy = await busyShare(BUSY_SAMPLE_MS);
    if (busy <= BUSY_LIMIT || force) return busy;
    const text = `${Math.round(busy * 100)} % of the CPU is in use by others (limit ${BUSY_LIMIT * 100} %)`;
    if (tries === BUSY_TRIES) throw new Error(`${text}: end what runs, or measure anyway with --force`);
    if (tries % 5 === 1) process.stderr.write(`${text}: waiting\n`);
  }
}

export interface Servers {
  /** undefined where the broker is in the contenders' processes. */
  readonly rabbitmq: string | undefined;
  readonly database: string | undefined;
}

export interface RunMoment {
  readonly busyShare: number;
  readonly warmUpMessages: number;
  readonly command: string;
  readonly missing: Readonly<Record<string, string>>;
  readonly besides: readonly string[];
}

/** What it is measured on, now. */
export function thisMachine(): MachineMoment {
  return {
    at: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    os: `${os.type()} ${os.release()} ${os.arch()}`,
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGiB: rounded(os.totalmem() / 2 ** 30, 1),
    loadAverage: rounded(os.loadavg()[0] ?? 0, 2),
  };
}

export function describeMachine(options: BenchOptions, servers: Servers, moment: RunMoment): MachineEnvironment {
  const { database } = servers;
  return {
    ...thisMachine(),
    command: moment.command,
    busyShare: rounded(moment.busyShare, 3),
    rabbitmq: servers.rabbitmq ?? null,
    database: database ?? null,
    databaseSync: database === undefined ? null : databaseSync(database),
    queueType: options.queueType,
    seed: options.seed,
    warmUpMessages: moment.warmUpMessages,
    missing: moment.missing,
    besides: moment.besides,
  };
}
