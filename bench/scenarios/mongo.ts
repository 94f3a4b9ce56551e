import { drain } from './drain.ts';
import type { Scenario } from './scenario.ts';

/** A preloaded queue is drained by a task that inserts a document a message. */
export const mongo: Scenario = drain(true);
