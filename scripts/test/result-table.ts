import { basename } from 'node:path';
import type { RecordedEvent } from './recorded-event.ts';

/** How one test ended. */
export interface TestResult {
  readonly file: string;
  readonly name: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** 0 for one that was skipped. */
  readonly seconds: number;
  /** Why it failed or was skipped. */
  readonly reason?: string;
}

/** What node's runner says of tests that `--name` leaves out: nobody asked for them. */
const NOT_ASKED_FOR = 'test name does not match pattern';
const RANK = { failed: 0, skipped: 1, passed: 2 } as const;

/** The tests of a run: failed ones first, then skipped ones, each in the order in which they ran. */
export function testResults(events: readonly RecordedEvent[]): TestResult[] {
  const results: TestResult[] = [];
  for (const event of events) {
    if (event.kind === 'figure' || (event.kind === 'skipped' && event.reason === NOT_ASKED_FOR)) continue;
    const which = { file: basename(event.file), name: event.name, result: event.kind };
    if (event.kind === 'skipped') results.push({ ...which, seconds: 0, reason: event.reason });
    else {
      const seconds = Math.round(event.ms / 100) / 10;
      results.push({ ...which, seconds, ...(event.kind === 'failed' ? { reason: event.message } : {}) });
    }
  }
  return results.sort((a, b) => RANK[a.result] - RANK[b.result]);
}

/** A line a test: how it ended, seconds, file, name, and the reason beneath where there is one. */
export function resultTable(results: readonly TestResult[]): string[] {
  const width = Math.max(0, ...results.map(({ file }) => file.length));
  return results.flatMap(({ result, seconds, file, name, reason }) => {
    const line = `${result.padEnd(7)} ${seconds.toFixed(1).padStart(6)} s  ${file.padEnd(width)}  ${name}`;
    return reason === undefined ? [line] : [line, `${' '.repeat(18)}${reason}`];
  });
}
