import { drain } from './drain.ts';
import type { Scenario } from './scenario.ts';

const drained: Scenario = drain(false);

/** A preloaded queue of bodies of a given size is drained by a task that does nothing. */
export const payload: Scenario = async (bench, turn, messages) => {
  const result = await drained(bench, turn, messages);
  const { bodyBytes = 0 } = bench.options.parameters;
  return { ...result, figures: { megabytes: (result.acked * bodyBytes) / result.seconds / 1e6 } };
};
