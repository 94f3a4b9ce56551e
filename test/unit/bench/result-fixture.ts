import type { ContenderResult } from '../../../bench/harness/result.ts';
import { machine } from './machine-fixture.ts';

/** Three rounds of which the middle one has the rate. */
export function resultOf(
  contender: string,
  rate: number,
  baselines: readonly string[] = [],
  scenario = 'noop',
): ContenderResult {
  const rounds = [0.9, 1, 1.1].map((factor) => ({
    seconds: 1,
    rate: rate * factor,
    cpuMicrosPerMessage: 5,
    lost: 0,
    duplicates: 0,
    latencyMs: null,
    figures: {},
  }));
  return {
    scenario,
    contender,
    parameters: {},
    messages: 1000,
    rounds,
    rate,
    cpuMicrosPerMessage: 5,
    latencyMs: null,
    figures: {},
    environment: {
      ...machine,
      prefetch: 2000,
      batch: 250,
      threads: 1,
      concurrency: null,
      guarantee: 'at least once',
      baselines,
      handlerCalls: 1000,
      peakRssMiB: 100,
      publisherCpuMicrosPerMessage: null,
    },
  };
}
