import { execFileSync } from 'node:child_process';
import { table, whole } from '../../bench/harness/table.ts';
import type { InjectedFault } from './fault-runner.ts';
import { KINDS } from './message-kinds.ts';
import type { SoakLedger } from './soak-ledger.ts';
import type { SoakOptions } from './soak-options.ts';
import type { CrewTotals } from './worker-crew.ts';

/** All that is known at the end of a run. */
export interface SoakRun {
  readonly options: SoakOptions;
  readonly seconds: number;
  readonly servers: readonly string[];
  readonly ledger: SoakLedger;
  readonly faults: readonly InjectedFault[];
  readonly totals: CrewTotals;
  readonly workerStarts: number;
  readonly sentAgain: number;
  readonly sendErrors: Readonly<Record<string, number>>;
  /** False where queues were not empty when the ledger was closed. */
  readonly drained: boolean;
  /** What broke and no fault explains. */
  readonly problems: readonly string[];
}

const SHOWN = 5;

/** True when nothing is lost or doubled and nothing broke of itself. */
export function isGood({ ledger, problems }: SoakRun): boolean {
  return ledger.balanced && problems.length === 0;
}

/** For a file: everything, with at most a hundred ids of each list. */
export function soakJson(run: SoakRun): string {
  const { ledger, faults, options, ...rest } = run;
  const short = (list: readonly string[]): { count: number; first: readonly string[] } => {
    return { count: list.length, first: list.slice(0, 100) };
  };
  const { overlaps, lost, appliedTwice, notApplied, torn, strangers, early, ...figures } = ledger;
  const json = {
    good: isGood(run),
    seed: options.seed,
    ...environment(),
    ...rest,
    options,
    faultsInjected: faults.filter(({ evidence }) => evidence !== undefined).length,
    faultsByKind: countFaults(faults),
    ledger: {
      ...figures,
      lost: short(lost),
      appliedTwice: short(appliedTwice),
      notApplied: short(notApplied),
      torn: short(torn),
      strangers: short(strangers),
      early: short(early),
      overlaps: Object.fromEntries(Object.entries(overlaps).map(([name, ids]) => [name, short(ids)])),
    },
    faults,
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** For people. */
export function soakText(run: SoakRun): string {
  const { ledger, faults, options, totals } = run;
  const { commit, node } = environment();
  const injected = faults.filter(({ evidence }) => evidence !== undefined);
  const unseen = faults.filter(({ evidence }) => evidence === undefined);
  const kinds = KINDS.map((kind) => {
    const { sent, confirmed, stored, deadLettered, queued, lost } = ledger.byKind[kind];
    return [kind, ...[sent, confirmed, stored, deadLettered, queued, lost].map(whole)];
  });
  const sums = [ledger.sent, ledger.confirmed, ledger.stored, ledger.deadLettered, ledger.queued, ledger.lost.length];
  const { overlaps, unconfirmed } = ledger;
  const lines = [
    `soak of ${(run.seconds / 60).toFixed(1)} minutes, seed ${options.seed}, commit ${commit}, Node ${node}, ${run.servers.join(', ')}`,
    '',
    table(
      ['messages', 'sent', 'confirmed', 'stored', 'dead', 'queued', 'lost'],
      [...kinds, ['all', ...sums.map(whole)]],
    ),
    '',
    `not confirmed: ${unconfirmed.total}, of which ${unconfirmed.found} are there and ${unconfirmed.nowhere} are not; ${run.sentAgain} sends made again with the same id`,
    `in two places: ${overlaps.storedAndDead.length} stored and dead, ${overlaps.storedAndQueued.length} stored and queued, ${overlaps.deadAndQueued.length} dead and queued, ${overlaps.deadTwice.length} dead twice`,
    `dead letters: ${describe(ledger.reasons)}`,
    `failed sends: ${describe(run.sendErrors)}`,
    `workers: ${run.workerStarts} started, ${totals.exits} threads ended, ${totals.reconnects} reconnects, ${totals.redelivered} redelivered, ${totals.retried} retried, ${totals.waited} waited, ${totals.reruns} run again`,
    run.drained ? 'all queues were empty at the end' : 'THE QUEUES WERE NOT EMPTY AT THE END',
    '',
    `${injected.length} faults of ${countFaults(injected).length} kinds`,
    table(
      ['fault', 'times', 'seconds'],
      countFaults(injected).map(({ kind, times, seconds }) => [kind, String(times), seconds.toFixed(1)]),
    ),
    ...unseen.map(({ kind, problem }) => `not seen to happen: ${kind}: ${problem}`),
    '',
    ...findings(ledger),
    ...run.problems.map((problem) => `PROBLEM: ${problem}`),
    isGood(run) ? 'The ledger balances: 0 lost, 0 effects applied twice.' : 'FAILED',
  ];
  return `${lines.join('\n')}\n`;
}

function findings({ lost, appliedTwice, notApplied, torn, strangers, early }: SoakLedger): string[] {
  const lists = { lost, appliedTwice, notApplied, torn, strangers, early };
  return Object.entries(lists)
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => `${name}: ${list.length}: ${list.slice(0, SHOWN).join('; ')}`);
}

function countFaults(faults: readonly InjectedFault[]): { kind: string; times: number; seconds: number }[] {
  const counts = new Map<string, { kind: string; times: number; seconds: number }>();
  for (const { kind, seconds } of faults) {
    const count = counts.get(kind) ?? { kind, times: 0, seconds: 0 };
    count.times++;
    count.seconds += seconds;
    counts.set(kind, count);
  }
  return [...counts.values()].sort((a, b) => b.times - a.times);
}

function describe(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function environment(): { readonly commit: string; readonly node: string } {
  let commit = 'unknown';
  try {
    commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    // no repository: an unpacked archive
  }
  return { commit, node: process.version };
}
