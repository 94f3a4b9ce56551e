/** What two contenders would reach if one message went through the first and then through the second. */
import { LIMITS } from '../contenders/limits.ts';
import type { ContenderResult, RoundResult } from './result.ts';
import { median } from './statistics.ts';
import { whole } from './table.ts';

type Measured = Pick<ContenderResult, 'contender' | 'rounds'>;

function combined(first: RoundResult, second: RoundResult): RoundResult {
  const rate = 1 / (1 / first.rate + 1 / second.rate);
  return {
    seconds: first.seconds + second.seconds,
    rate,
    cpuMicrosPerMessage: first.cpuMicrosPerMessage + second.cpuMicrosPerMessage,
    lost: first.lost + second.lost,
    duplicates: first.duplicates + second.duplicates,
    latencyMs: null,
    figures: {},
  };
}

/** Whether `name` is a limit of which every part is among `contenders`. */
export function isLimitOf(name: string, contenders: readonly string[]): boolean {
  return LIMITS[name]?.parts.every((part) => contenders.includes(part)) ?? false;
}

/** Round by round; undefined where `name` is no such limit or a part of it did not run. */
export function limitRounds(name: string, results: readonly Measured[]): RoundResult[] | undefined {
  const parts = LIMITS[name]?.parts.map((part) => results.find(({ contender }) => contender === part)?.rounds) ?? [];
  const [first, second] = parts;
  if (first === undefined || second === undefined) return undefined;
  return first.flatMap((round, i) => {
    const other = second[i];
    return other === undefined ? [] : [combined(round, other)];
  });
}

/** A sentence for each limit that stands in the ratios. */
export function limitLines(results: readonly ContenderResult[]): string[] {
  const names = new Set(results.flatMap(({ environment }) => environment.baselines));
  return Object.entries(LIMITS).flatMap(([name, { parts, about }]) => {
    const rounds = names.has(name) ? limitRounds(name, results) : undefined;
    if (rounds === undefined) return [];
    const rate = whole(median(rounds.map((round) => round.rate)));
    const cpu = median(rounds.map((round) => round.cpuMicrosPerMessage)).toFixed(2);
    return [`${name}: ${rate} msg/s and ${cpu} µs CPU a message, made of ${parts.join(' and ')}: ${about}`];
  });
}
