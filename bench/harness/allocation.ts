/** What the main thread allocates, by V8's sampling heap profiler: also what has been collected since. */
import { Session } from 'node:inspector/promises';

/** One sample for so many bytes on average. */
const INTERVAL_BYTES = 16 * 1024;

interface SamplingNode {
  readonly selfSize: number;
  readonly children: readonly SamplingNode[];
}

function sizeOf(node: SamplingNode): number {
  return node.children.reduce((sum, child) => sum + sizeOf(child), node.selfSize);
}

/** Bytes that were allocated in this thread while `meanwhile` was pending. */
export async function allocatedDuring(meanwhile: () => Promise<void>): Promise<number> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: INTERVAL_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await meanwhile();
  const { profile } = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  return sizeOf(profile.head);
}
