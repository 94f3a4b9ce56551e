import { drain } from './drain.ts';
import type { Scenario } from './scenario.ts';

/** A preloaded queue is drained by a task that inserts a document a message; one of a hundred fails and is tried again. */
export const workload: Scenario = drain(true);
