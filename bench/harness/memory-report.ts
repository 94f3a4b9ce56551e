import type { AllocationReport } from './allocation-report.ts';
import type { MemorySample, MemoryVerdict } from './memory-verdict.ts';
import type { MachineMoment } from './result.ts';

/** The JSON of `npm run memory`. */
export interface MemoryReport {
  readonly machine: MachineMoment;
  readonly minutes: number;
  readonly verdicts: readonly MemoryVerdict[];
  readonly allocation: { readonly backlog: AllocationReport; readonly arriving: AllocationReport };
  readonly samples: readonly MemorySample[];
}
