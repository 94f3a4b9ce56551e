import { createHash, randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';

/** What every random point of the fault tests follows from: `npm run faults -- --seed N` sets FAULT_SEED to it. */
export const faultSeed: number = Number(process.env['FAULT_SEED'] ?? randomInt(2 ** 31));

/** Random numbers that a seed repeats. */
export class SeededRandom {
  #state: number;

  /** @param seed - 32 bits of it count */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 to below 1. The generator is mulberry32: a period of 2^32 is plenty for the points of a test. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From `min` to below `max`. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min));
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError('nothing to pick from');
    return from[this.integer(0, from.length)] as T;
  }

  /** So many different numbers from `min` to below `max`, ascending. */
  marks(count: number, min: number, max: number): number[] {
    if (max - min < count) throw new RangeError(`there are not ${count} numbers from ${min} to below ${max}`);
    const marks = new Set<number>();
    while (marks.size < count) marks.add(this.integer(min, max));
    return [...marks].sort((a, b) => a - b);
  }
}

/** The random points of one test, the same for the same seed whichever other tests run. Prints the seed. */
export function faultRandom(t: TestContext): SeededRandom {
  t.diagnostic(`FAULT_SEED=${faultSeed}`);
  return new SeededRandom(createHash('sha256').update(`${faultSeed} ${t.name}`).digest().readInt32BE());
}
