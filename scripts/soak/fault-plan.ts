import type { SeededRandom } from '../../test/support/fault-seed.ts';

/** What the plan needs to know of a fault. */
export interface PlannedKind {
  readonly kind: string;
  /** How often it comes compared with the others. */
  readonly weight: number;
  /** As often at least in a run of 15 minutes. */
  readonly least: number;
}

export interface PlannedFault {
  readonly kind: string;
  /** Seconds after the start. */
  readonly atSeconds: number;
}

const FULL_RUN_SECONDS = 900;
/** Faults that take longer push the later ones back. */
const SECONDS_A_FAULT = 6;
/** The end of the run, in which no fault begins: its messages are sent and the last fault is over. */
const QUIET_END_SECONDS = 10;

/** Which fault comes when: the same for the same seed. In a shorter run the least numbers shrink with it. */
export function planFaults(kinds: readonly PlannedKind[], seconds: number, random: SeededRandom): PlannedFault[] {
  if (kinds.length === 0) return [];
  const count = Math.max(1, Math.floor((seconds - QUIET_END_SECONDS) / SECONDS_A_FAULT));
  const share = Math.min(1, seconds / FULL_RUN_SECONDS);
  const chosen = kinds.flatMap(({ kind, least }) => new Array<string>(Math.floor(least * share)).fill(kind));
  const weights = kinds.reduce((sum, { weight }) => sum + weight, 0);
  while (chosen.length < count) {
    let below = random.next() * weights;
    chosen.push((kinds.find(({ weight }) => (below -= weight) < 0) ?? random.pick(kinds)).kind);
  }
  shuffle(chosen, random);
  return chosen.slice(0, count).map((kind, nth) => {
    return { kind, atSeconds: (nth + 0.5 + random.next() / 2) * SECONDS_A_FAULT };
  });
}

function shuffle(list: string[], random: SeededRandom): void {
  for (let at = list.length - 1; at > 0; at--) {
    const other = random.integer(0, at + 1);
    [list[at], list[other]] = [list[other] as string, list[at] as string];
  }
}
