import { endToEnd } from './end-to-end.ts';
import { latencies } from './latencies.ts';
import type { Scenario } from './scenario.ts';

const PUBLISHERS = 50;

/** 50 publishers, each awaiting its confirm, and one consumer at once. */
export const live: Scenario = async (bench, turn, messages) => {
  const { result, times } = await endToEnd(bench, turn, messages, { kind: 'awaiting', publishers: PUBLISHERS });
  return { ...result, latency: latencies(times).snapshot() };
};
