/** What several processes that shared the messages did together. Pure. */
import type { ChildReport } from './child.ts';

export type FleetReport = Omit<ChildReport, 'latency' | 'ackTimes' | 'calls' | 'threadsBusy' | 'remains'>;

/** From the first consume of any to the last ack of any. @param messages - of all of them */
export function mergeReports(reports: readonly ChildReport[], messages: number): FleetReport {
  const sum = (of: (report: ChildReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
  return {
    startMs: Math.min(...reports.map(({ startMs }) => startMs)),
    endMs: Math.max(...reports.map(({ endMs }) => endMs)),
    cpuMicros: sum(({ cpuMicros }) => cpuMicros),
    acked: sum(({ acked }) => acked),
    nacked: sum(({ nacked }) => nacked),
    unknownTags: sum(({ unknownTags }) => unknownTags),
    peakRssMiB: sum(({ peakRssMiB }) => peakRssMiB),
    handled: {
      calls: sum(({ handled }) => handled.calls),
      foreign: sum(({ handled }) => handled.foreign),
      checksum: sum(({ handled }) => handled.checksum) >>> 0,
      distinct: distinctOf(reports, messages),
    },
  };
}

/** Not the sum: the same message may have been handled by two. */
function distinctOf(reports: readonly ChildReport[], messages: number): number {
  let distinct = 0;
  for (let index = 0; index < messages; index++) {
    if (reports.some(({ calls }) => (calls?.[index] ?? 0) > 0)) distinct++;
  }
  return distinct;
}

/** The messages of each queue, in equal parts. */
export function partsOf(messages: number, queues: number): { readonly first: number; readonly messages: number }[] {
  return Array.from({ length: queues }, (_, nth) => {
    const [first, end] = [nth, nth + 1].map((n) => Math.floor((messages * n) / queues)) as [number, number];
    return { first, messages: end - first };
  });
}
