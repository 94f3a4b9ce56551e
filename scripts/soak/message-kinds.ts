/** What the soak sends: each kind, how much of it, and where it has to end. */

export const KINDS = [
  'insert',
  'large',
  'count-hot',
  'count-cold',
  'pair',
  'delayed',
  'flaky',
  'poison',
  'unknown',
  'overlong',
  'killer',
] as const;
export type Kind = (typeof KINDS)[number];

/** Where a message shows that it was done: a document of its own, a mark beside a counter, both, or never. */
export type Proof = 'document' | 'mark' | 'both' | 'none';

export interface KindSpec {
  /** Task that its messages name. */
  readonly task: string;
  /** Of all messages; they add up to 1. */
  readonly share: number;
  readonly proof: Proof;
  /** Keys that its messages are spread over, for counters; 0: each message has its own number. */
  readonly keys: number;
}

export const KIND_SPECS: Readonly<Record<Kind, KindSpec>> = {
  insert: { task: 'soak-insert', share: 0.7538, proof: 'document', keys: 0 },
  large: { task: 'soak-large', share: 0.002, proof: 'document', keys: 0 },
  // A few documents that all threads of all workers want at once.
  'count-hot': { task: 'soak-count', share: 0.05, proof: 'mark', keys: 8 },
  // Each keeps the ids of those who counted, so that twice for one can be told from once for two.
  'count-cold': { task: 'soak-count-cold', share: 0.05, proof: 'mark', keys: 10_000 },
  pair: { task: 'soak-pair', share: 0.06, proof: 'both', keys: 500 },
  delayed: { task: 'soak-delayed', share: 0.04, proof: 'document', keys: 0 },
  flaky: { task: 'soak-flaky', share: 0.04, proof: 'document', keys: 0 },
  poison: { task: 'soak-poison', share: 0.003, proof: 'none', keys: 0 },
  unknown: { task: 'soak-unknown', share: 0.001, proof: 'none', keys: 0 },
  overlong: { task: 'soak-overlong', share: 0.0001, proof: 'none', keys: 0 },
  killer: { task: 'soak-killer', share: 0.0001, proof: 'none', keys: 0 },
};

/** @param random - 0 ≤ random < 1 */
export function pickKind(random: number): Kind {
  let below = 0;
  for (const kind of KINDS) {
    below += KIND_SPECS[kind].share;
    if (random < below) return kind;
  }
  return 'insert';
}
