/** What BENCHMARKS.md says of `npm run memory`. */
import type { AllocationReport } from './allocation-report.ts';
import type { MemoryReport } from './memory-report.ts';
import { MARK_SECONDS, MARK_SHARE } from './memory-verdict.ts';
import { markdownTable, whole } from './table.ts';

const MIB = 1024 * 1024;
/** Places that allocate less are in the JSON only. */
const PLACES_SHOWN = 8;

function verdictTable({ verdicts, minutes }: MemoryReport): string {
  const rows = verdicts.map(({ name, atMark, atEnd, ratio, ok }) => [
    name,
    ratio.toFixed(2),
    (atMark / MIB).toFixed(1),
    (atEnd / MIB).toFixed(1),
    ok ? 'yes' : '**no**',
  ]);
  const mark = Math.min(MARK_SECONDS / 60, minutes * MARK_SHARE);
  return markdownTable(['memory', 'end ÷ mark', `MiB at minute ${mark}`, 'MiB at the end', 'within 10 %'], rows);
}

function allocationTable(reports: Readonly<Record<string, AllocationReport>>): string {
  const columns = Object.values(reports);
  const row = (name: string, of: (report: AllocationReport) => string): string[] => [name, ...columns.map(of)];
  const bytesAt = (place: string, { sites }: AllocationReport): string =>
    sites.find((site) => site.place === place)?.bytesPerMessage.toFixed(1) ?? '–';
  const places = columns[0]?.sites.slice(0, PLACES_SHOWN).map(({ place }) => place) ?? [];
  return markdownTable(
    ['main thread, bytes a message', ...Object.keys(reports)],
    [
      row('**heap, all places**', ({ bytesPerMessage }) => `**${bytesPerMessage.toFixed(1)}**`),
      ...places.map((place) => row(`\`${place}\``, (report) => bytesAt(place, report))),
      row('buffers outside of the heap', ({ bufferBytesPerMessage }) => bufferBytesPerMessage.toFixed(1)),
      row('messages a batch', ({ messagesPerBatch }) => whole(messagesPerBatch)),
      row('heap, bytes a batch', ({ bytesPerBatch }) => whole(bytesPerBatch)),
    ],
  );
}

export function memorySection(report: MemoryReport): string {
  const { machine, minutes, allocation, samples } = report;
  const handled = samples.at(-1)?.handled ?? 0;
  return [
    `## memory: A worker under load for ${minutes} minutes`,
    `${whole(handled)} messages, ${whole(handled / (minutes * 60))} a second. The process by its resident memory, each thread by its heap after a collection and what is outside of it; medians of five samples.`,
    verdictTable(report),
    'Objects that were collected since included, the measuring itself not:',
    allocationTable({ 'full queue': allocation.backlog, 'as they arrive': allocation.arriving }),
    [
      `- Command: \`npm run memory -- --minutes ${minutes} --json bench/results/memory.json\``,
      `- Commit ${machine.commit}, ${machine.at.slice(0, 10)}, data in [bench/results/memory.json](bench/results/memory.json)`,
      `- Machine: ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.os}, Node ${machine.node}; shared with broker and publisher`,
    ].join('\n'),
  ].join('\n\n');
}
