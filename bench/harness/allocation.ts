/** What the main thread allocates: heap by V8's sampling profiler, also what has been collected since, and buffers beside it. */
import { Session } from 'node:inspector/promises';
import { type AllocationSites, allocationSites } from './allocation-sites.ts';

/** One sample for so many bytes on average. */
const INTERVAL_BYTES = 16 * 1024;
const LOOK_EVERY_MS = 1;

export interface Allocation extends AllocationSites {
  /**
   * Bytes of buffers, which lie outside of the heap: by how much they rose from one look to the next, a millisecond later.
   * A buffer that comes back from another thread was allocated before, and does not count.
   */
  readonly bufferBytes: number;
}

/** What was allocated in this thread while `meanwhile` was pending. */
export async function allocatedDuring(meanwhile: () => Promise<void>): Promise<Allocation> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: INTERVAL_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  const stopWatching = watchBuffers();
  await meanwhile();
  const bufferBytes = stopWatching();
  const { profile } = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  return { ...allocationSites(profile.head), bufferBytes };
}

/** Sums up what is added to this thread's buffers until the result is called. */
function watchBuffers(): () => number {
  let last = process.memoryUsage().arrayBuffers;
  let risen = 0;
  const look = (): void => {
    const { arrayBuffers } = process.memoryUsage();
    if (arrayBuffers > last) risen += arrayBuffers - last;
    last = arrayBuffers;
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    look();
    return risen;
  };
}
