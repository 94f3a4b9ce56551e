/** A lane and its share: a weight of 3 gets three times the thread time of a weight of 1 while both have work. */
export interface Share<Lane> {
  readonly lane: Lane;
  readonly weight: number;
}

interface Member<Lane> extends Share<Lane> {
  /** Thread time that its ended batches took ÷ weight, ms; raised when the lane comes back from being idle. */
  served: number;
  /** The same of the batches that have not ended, as expected. */
  pending: number;
  inFlight: number;
  active: boolean;
  hasWork: boolean;
}

/** A batch counts for at least so much, so that lanes whose tasks are too short to measure take turns as well. */
const LEAST_MS = 0.01;

/**
 * Shares thread time between lanes by weight, by start-time fair queueing (Goyal, Vin, Cheng: "Start-time Fair Queueing",
 * SIGCOMM 1996): whoever has been served least for its weight comes first.
 *
 *     idle ──▶ active    it has work, or a batch of it runs: it begins where the least served active lane is, or, when
 *      ▲         │       no other is, where the most served of all lanes is: what it did not use is not saved up, and
 *      └─────────┘       what others used without it is not held against them
 *
 * A batch is charged with the expected time when it begins, or one lane could take every thread before it is charged for
 * anything, and with the true time when it has ended. Only true times decide where a lane begins that comes back.
 *
 * Cost: some steps a lane and about half a kilobyte of garbage for each batch, nothing a message.
 */
export class Turns<Lane> {
  readonly #members: Member<Lane>[];
  readonly #byLane: ReadonlyMap<Lane, Member<Lane>>;
  readonly #hasWork: (lane: Lane) => boolean;
  readonly #entitled: Lane[] = [];

  /** @param hasWork - whether the lane could be served now */
  constructor(shares: readonly Share<Lane>[], hasWork: (lane: Lane) => boolean) {
    this.#members = shares.map(({ lane, weight }) => {
      return { lane, weight, served: 0, pending: 0, inFlight: 0, active: false, hasWork: false };
    });
    this.#byLane = new Map(this.#members.map((member) => [member.lane, member]));
    this.#hasWork = hasWork;
  }

  /** Lanes with work, most entitled first. The array is used again by the next call. */
  order(): readonly Lane[] {
    this.#refresh();
    this.#sort();
    this.#entitled.length = 0;
    for (const { lane, hasWork } of this.#members) if (hasWork) this.#entitled.push(lane);
    return this.#entitled;
  }

  /** A batch of the lane goes to a thread. @param expectedMs - thread time that it will take, 0 when not known */
  begin(lane: Lane, expectedMs: number): void {
    const member = this.#byLane.get(lane);
    if (member === undefined) return;
    member.inFlight++;
    member.pending += costOf(expectedMs, member);
  }

  /** It has ended. @param expectedMs - as told to `begin`; @param tookMs - thread time that it took */
  end(lane: Lane, expectedMs: number, tookMs: number): void {
    const member = this.#byLane.get(lane);
    if (member === undefined) return;
    member.inFlight--;
    // Not by the difference alone: sums of fractions do not come back to zero.
    member.pending = member.inFlight === 0 ? 0 : member.pending - costOf(expectedMs, member);
    member.served += costOf(tookMs, member);
  }

  #refresh(): void {
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    for (const member of this.#members) {
      member.hasWork = this.#hasWork(member.lane);
      if (member.active && !member.hasWork && member.inFlight === 0) member.active = false;
      if (member.active && member.served < least) least = member.served;
      if (member.served > most) most = member.served;
    }
    const start = least === Number.POSITIVE_INFINITY ? most : least;
    for (const member of this.#members) {
      if (member.active || !member.hasWork) continue;
      member.active = true;
      member.served = Math.max(member.served, start);
    }
  }

  /** By insertion: lanes are few, and nearly sorted from the last time. */
  #sort(): void {
    const members = this.#members;
    for (let from = 1; from < members.length; from++) {
      const member = members[from] as Member<Lane>;
      let to = from;
      while (to > 0 && keyOf(members[to - 1] as Member<Lane>) > keyOf(member)) {
        members[to] = members[to - 1] as Member<Lane>;
        to--;
      }
      members[to] = member;
    }
  }
}

function keyOf({ served, pending }: { readonly served: number; readonly pending: number }): number {
  return served + pending;
}

function costOf(ms: number, { weight }: { readonly weight: number }): number {
  return Math.max(ms, LEAST_MS) / weight;
}
