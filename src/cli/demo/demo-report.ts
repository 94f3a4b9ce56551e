import type { Paint } from '../paint.ts';
import { group } from '../progress-line.ts';
import type { DemoResult } from './demo-run.ts';

/** What `--json` prints. */
export interface DemoReport {
  readonly services: string;
  readonly messages: number;
  readonly threads: number;
  readonly seconds: number;
  readonly rate: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly cpuMicrosPerMessage: number;
  readonly batches: Readonly<Record<string, number>>;
  readonly handlerCalls: number;
  readonly stored: number;
  readonly deadLettered: number;
  readonly expectedDeadLetters: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly verified: boolean;
}

/** @param expectedDeadLetters - records that were made invalid on purpose */
export function reportOf(services: string, result: DemoResult, expectedDeadLetters: number): DemoReport {
  const { stats, seconds, cpuMicrosPerMessage, ledger } = result;
  const { p50Ms, p99Ms, maxMs } = stats.latency;
  return {
    services,
    messages: ledger.confirmed,
    threads: stats.sizes.threads,
    seconds: round(seconds, 3),
    rate: Math.round(ledger.confirmed / seconds),
    latencyMs: { p50: round(p50Ms, 2), p99: round(p99Ms, 2), max: round(maxMs, 2) },
    cpuMicrosPerMessage: round(cpuMicrosPerMessage, 2),
    batches: { ...stats.batches },
    handlerCalls: stats.handlerCalls,
    stored: ledger.stored,
    deadLettered: ledger.deadLettered,
    expectedDeadLetters,
    lost: ledger.lost,
    duplicates: ledger.duplicates,
    verified:
      ledger.lost === 0 &&
      ledger.duplicates === 0 &&
      ledger.foreign === 0 &&
      ledger.deadLettered === expectedDeadLetters,
  };
}

/** The same as a table for people. */
export function tableOf(report: DemoReport, paint: Paint): string {
  const { latencyMs, batches } = report;
  const triggers = Object.entries(batches)
    .filter(([, count]) => count > 0)
    .map(([trigger, count]) => `${group(count)} by ${trigger}`);
  const total = Object.values(batches).reduce((sum, count) => sum + count, 0);
  const good = (count: number): string => paint(count === 0 ? 'green' : 'red', group(count));
  const rows: readonly (readonly [string, string])[] = [
    [
      'rate',
      paint('bold', `${group(report.rate)} messages/s`) +
        ` with ${report.threads} thread${report.threads === 1 ? '' : 's'}`,
    ],
    ['time', `${report.seconds.toFixed(2)} s for ${group(report.messages)} messages`],
    ['latency', `p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, max ${latencyMs.max} ms, from read to ack`],
    ['CPU', `${report.cpuMicrosPerMessage} µs a message, all threads of this process together`],
    [
      'batches',
      `${group(total)}: ${triggers.join(', ')}; ${Math.round(report.messages / Math.max(1, total))} messages each`,
    ],
    ['handler calls', group(report.handlerCalls)],
    ['confirmed', group(report.messages)],
    ['stored', group(report.stored)],
    ['dead-lettered', `${group(report.deadLettered)}, of ${group(report.expectedDeadLetters)} made invalid on purpose`],
    ['lost', good(report.lost)],
    ['duplicates', good(report.duplicates)],
    ['verified', verdict(report, paint)],
  ];
  const left = Math.max(...rows.map(([name]) => name.length));
  return `${rows.map(([name, text]) => `  ${name.padEnd(left)}  ${text}`).join('\n')}\n`;
}

function verdict({ verified }: DemoReport, paint: Paint): string {
  return verified
    ? paint('green', 'yes: every confirmed id was found once, stored or dead-lettered')
    : paint('red', 'NO: the ids confirmed, stored and dead-lettered do not match');
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
