/** What was allocated, divided by the messages that it was for. */
import type { Allocation } from './allocation.ts';
import { table, whole } from './table.ts';

export interface AllocationReport {
  readonly messages: number;
  readonly messagesPerBatch: number;
  /** Heap, without the bench's own part. */
  readonly bytesPerMessage: number;
  readonly bytesPerBatch: number;
  /** Outside of the heap. */
  readonly bufferBytesPerMessage: number;
  readonly benchBytesPerMessage: number;
  readonly sites: readonly { readonly place: string; readonly bytesPerMessage: number; readonly share: number }[];
}

/** Sites below are told as one. */
const SITES_SHOWN = 15;

export function reportOf(allocation: Allocation, messages: number, batches: number): AllocationReport {
  const { sites, benchBytes, bufferBytes } = allocation;
  const bytes = sites.reduce((sum, site) => sum + site.bytes, 0);
  return {
    messages,
    messagesPerBatch: messages / batches,
    bytesPerMessage: bytes / messages,
    bytesPerBatch: bytes / batches,
    bufferBytesPerMessage: bufferBytes / messages,
    benchBytesPerMessage: benchBytes / messages,
    sites: sites.map((site) => ({
      place: site.place,
      bytesPerMessage: site.bytes / messages,
      share: site.bytes / bytes,
    })),
  };
}

/** @param load - what was worked on, e.g. "a full queue" */
export function describeAllocation(load: string, report: AllocationReport): string {
  const { messages, messagesPerBatch, bytesPerMessage, bytesPerBatch, bufferBytesPerMessage, benchBytesPerMessage } =
    report;
  const row = (place: string, bytes: number): string[] => {
    return [place, bytes.toFixed(1), `${((100 * bytes) / bytesPerMessage).toFixed(1)} %`];
  };
  const shown = report.sites.slice(0, SITES_SHOWN);
  const rest = report.sites.slice(SITES_SHOWN).reduce((sum, site) => sum + site.bytesPerMessage, 0);
  const rows = [
    ...shown.map((site) => row(site.place, site.bytesPerMessage)),
    row('other places', rest),
    row('heap, all places', bytesPerMessage),
    ['buffers outside of the heap', bufferBytesPerMessage.toFixed(1), ''],
    ['not counted: the measuring itself', benchBytesPerMessage.toFixed(1), ''],
  ];
  return [
    `Allocated on the main thread, ${load}: ${whole(messages)} messages, ${messagesPerBatch.toFixed(1)} a batch, ${whole(bytesPerBatch)} bytes a batch`,
    '',
    table(['place', 'bytes a message', 'share'], rows),
  ].join('\n');
}
