import { drain } from './drain.ts';
import type { Scenario } from './scenario.ts';

/** A preloaded queue is drained by a task that hashes for so many milliseconds; next to threads that do only that. */
export const cpu: Scenario = drain(false);
