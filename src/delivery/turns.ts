interface Member<Lane> {
  readonly lane: Lane;
  readonly weight: number;
  /** Thread time served so far ÷ weight, ms; raised when the lane comes back from being idle. */
  served: number;
  busy: boolean;
}

/**
 * Shares thread time between queues by weight, as start-time fair queueing does (Goyal, Vin, Cheng: "Start-time Fair
 * Queueing", SIGCOMM 1996): whoever has been served least for its weight comes first. A queue that had nothing to do
 * does not save up for later: when it comes back it begins where the least served busy queue is.
 *
 * Cost: a sort of some queues for each batch, nothing a message.
 */
export class Turns<Lane> {
  readonly #members: readonly Member<Lane>[];
  readonly #order: Member<Lane>[];
  readonly #hasWork: (lane: Lane) => boolean;

  /** @param hasWork - whether the lane could be served now */
  constructor(lanes: readonly { readonly lane: Lane; readonly weight: number }[], hasWork: (lane: Lane) => boolean) {
    this.#members = lanes.map(({ lane, weight }) => ({ lane, weight, served: 0, busy: false }));
    this.#order = [...this.#members];
    this.#hasWork = hasWork;
  }

  /** Lanes with work, most entitled first. */
  *order(): Generator<Lane> {
    this.#refresh();
    for (const { lane, busy } of this.#order) if (busy) yield lane;
  }

  /** @param ms - thread time taken; negative to give back what was charged too much */
  charge(lane: Lane, ms: number): void {
    const member = this.#members.find((one) => one.lane === lane);
    if (member !== undefined) member.served += ms / member.weight;
  }

  #refresh(): void {
    let least = Number.POSITIVE_INFINITY;
    for (const { busy, served } of this.#members) if (busy && served < least) least = served;
    for (const member of this.#members) {
      const busy = this.#hasWork(member.lane);
      if (busy && !member.busy && least !== Number.POSITIVE_INFINITY) member.served = Math.max(member.served, least);
      member.busy = busy;
    }
    this.#order.sort((a, b) => a.served - b.served);
  }
}
