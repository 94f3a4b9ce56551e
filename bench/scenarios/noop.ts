import { drain } from './drain.ts';
import type { Scenario } from './scenario.ts';

/** A preloaded queue is drained by a task that does nothing. */
export const noop: Scenario = drain(false);
