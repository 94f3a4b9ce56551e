/** Sets the ratios of a quick run next to those that are committed. */
import { type ContenderResult, ratiosOf } from '../harness/result.ts';

export interface ComparedRatio {
  readonly pair: string;
  readonly measure: string;
  readonly quick: number;
  readonly committed: number;
  /** quick ÷ committed, less one: 0.2 is 20 % more. */
  readonly difference: number;
}

/** Pairs that both runs have, by the first measure of their scenario: the most telling one. */
export function compareRatios(
  quick: readonly ContenderResult[],
  committed: readonly ContenderResult[],
): ComparedRatio[] {
  const known = ratiosOf(committed);
  return ratiosOf(quick).flatMap(({ contender, baseline, measures }) => {
    const other = known.find((each) => each.contender === contender && each.baseline === baseline);
    const [now] = measures;
    const then = other?.measures.find(({ measure }) => measure === now?.measure);
    if (now === undefined || then === undefined || !(then.byRound > 0)) return [];
    const difference = now.byRound / then.byRound - 1;
    const pair = `${contender} ÷ ${baseline}`;
    return [{ pair, measure: now.measure, quick: now.byRound, committed: then.byRound, difference }];
  });
}

/** True when the contenders that both runs have stand in the same order of rate; neighbours within 20 % may be swapped. */
export function sameOrder(quick: readonly ContenderResult[], committed: readonly ContenderResult[]): boolean {
  const NEAR = 1.2;
  const rates = quick.flatMap(({ contender, rate }) => {
    const then = committed.find((other) => other.contender === contender);
    return then === undefined ? [] : [{ now: rate, before: then.rate }];
  });
  return rates.every((one) => rates.every((other) => one.before <= other.before * NEAR || one.now * NEAR > other.now));
}
