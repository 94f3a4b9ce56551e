import type { FoundLetter, LetterScan, ScanEnding } from './letter-scan.ts';

/** How far a replay or a drop is. */
export interface DeadLetterProgress {
  /** Letters looked at. */
  readonly seen: number;
  /** Letters that were there when it began. */
  readonly total: number;
  /** Of those looked at, how many the filter meant. */
  readonly matched: number;
  /** Of those, how many are replayed or dropped. */
  readonly handled: number;
}

/** A letter that could not be replayed, and stays where it is. */
export interface RefusedLetter {
  readonly id: string;
  readonly reason: string;
}

/** What a replay or a drop did. */
export interface DeadLetterSummary {
  readonly queue: string;
  readonly deadQueue: string;
  /** True: nothing was changed, and `handled` says what would have been. */
  readonly dryRun: boolean;
  /** `complete`: it looked at every letter that was there when it began; `limit`, `aborted`: it ended before that. */
  readonly ending: ScanEnding;
  /** Letters looked at. */
  readonly seen: number;
  /** Letters that the filter meant. */
  readonly matched: number;
  /** Letters replayed or dropped: they have left the dead-letter queue. */
  readonly handled: number;
  /** A replay: how many went to which queue. */
  readonly queues: Readonly<Record<string, number>>;
  /** Letters that could not be replayed, up to 100 of them. */
  readonly refused: readonly RefusedLetter[];
  readonly refusedCount: number;
  /**
   * Letters sent that stay as well, with the same id: the connection was lost, or the replay was ended, before the
   * confirm came or the letter could be removed.
   */
  readonly doubtful: number;
  /** Ids that the filter names and no letter has; known only when `ending` is `complete`. */
  readonly missing: readonly string[];
}

const REFUSALS_KEPT = 100;

/** Counts what becomes of the letters of one scan. */
export class LetterTally {
  readonly #wanted: Set<string>;
  readonly #queues = new Map<string, number>();
  readonly #refused: RefusedLetter[] = [];
  #refusedCount = 0;
  #handled = 0;
  doubtful = 0;

  /** @param wanted - ids that the filter names */
  constructor(wanted: readonly string[]) {
    this.#wanted = new Set(wanted);
  }

  get handled(): number {
    return this.#handled;
  }

  found({ letter }: FoundLetter): void {
    this.#wanted.delete(letter.id);
  }

  replayed(queue: string): void {
    this.#handled++;
    this.#queues.set(queue, (this.#queues.get(queue) ?? 0) + 1);
  }

  dropped(): void {
    this.#handled++;
  }

  refused({ letter }: FoundLetter, reason: string): void {
    this.#refusedCount++;
    if (this.#refused.length < REFUSALS_KEPT) this.#refused.push({ id: letter.id, reason });
  }

  summary(scan: LetterScan, names: Pick<DeadLetterSummary, 'queue' | 'deadQueue'>, dryRun: boolean): DeadLetterSummary {
    const { ending, seen, matched } = scan;
    return {
      ...names,
      dryRun,
      ending,
      seen,
      matched,
      handled: this.#handled,
      queues: Object.fromEntries(this.#queues),
      refused: this.#refused,
      refusedCount: this.#refusedCount,
      doubtful: this.doubtful,
      missing: ending === 'complete' ? [...this.#wanted] : [],
    };
  }
}
