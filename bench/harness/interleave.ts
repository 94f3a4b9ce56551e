/**
 * Machines slow down for seconds at a time. So each round runs every contender once, in an order drawn anew, and
 * contenders are compared round by round.
 */
import { seededRandom } from './seeded-random.ts';

export interface Turn {
  /** 0 is the warm-up. */
  readonly round: number;
  readonly contender: string;
  /** For the message ids: the same for all contenders of a round. */
  readonly seed: number;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

export function interleave(contenders: readonly string[], rounds: number, seed: number): Turn[] {
  const random = seededRandom(seed);
  const turns: Turn[] = [];
  for (let round = 0; round <= rounds; round++) {
    const roundSeed = Math.floor(random() * 2 ** 31);
    for (const contender of shuffled(contenders, random)) turns.push({ round, contender, seed: roundSeed });
  }
  return turns;
}
