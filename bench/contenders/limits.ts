/** Limits that nothing can be run for: made of what two contenders reached in the same round. */

export const COMBINED_LIMIT = 'combined-limit';

export interface Limit {
  /** Contenders that each do one part of the work. */
  readonly parts: readonly [string, string];
  readonly about: string;
}

export const LIMITS: Readonly<Record<string, Limit>> = {
  [COMBINED_LIMIT]: {
    parts: ['c-reader', 'insert-many'],
    about: 'the two one after the other: 1 ÷ (1 ÷ rate + 1 ÷ rate), the sum of their CPU',
  },
};
