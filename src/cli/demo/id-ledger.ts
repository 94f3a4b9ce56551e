/** What became of every message of a run, found by comparing sets of ids. */
export interface LedgerVerdict {
  readonly confirmed: number;
  readonly stored: number;
  readonly deadLettered: number;
  /** Confirmed to the sender, and neither stored nor dead-lettered. */
  readonly lost: number;
  /** Documents or dead letters beyond one for each confirmed message. */
  readonly duplicates: number;
  /** Stored or dead-lettered under an id that nobody was given a confirm for. */
  readonly foreign: number;
}

/**
 * Compares the ids that the broker confirmed with those found in the store and among the dead letters.
 * Every confirmed id has to be found exactly once in the two together.
 */
export function judgeIds(
  confirmed: ReadonlySet<string>,
  stored: readonly string[],
  deadLettered: readonly string[],
): LedgerVerdict {
  const found = new Set<string>();
  let duplicates = 0;
  let foreign = 0;
  for (const id of [...stored, ...deadLettered]) {
    const known = confirmed.has(id);
    if (known && !found.has(id)) found.add(id);
    else if (known || confirmed.has(withoutSuffix(id))) duplicates++;
    else foreign++;
  }
  return {
    confirmed: confirmed.size,
    stored: stored.length,
    deadLettered: deadLettered.length,
    lost: confirmed.size - found.size,
    duplicates,
    foreign,
  };
}

/** `<task id>:1` is a second document of the same task. */
function withoutSuffix(id: string): string {
  return id.replace(/:\d+$/, '');
}
