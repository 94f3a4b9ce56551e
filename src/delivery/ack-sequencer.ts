/**
 * Turns completions that arrive in any order into the fewest acks that the broker accepts.
 *
 * AMQP acknowledges "everything outstanding up to tag n" in one frame. That is right only once every tag up to n is
 * settled or closed, and n itself must still be outstanding: RabbitMQ closes the channel (406) when it is not, and
 * takes tag 0 as "everything". So each tag of the window is in one of three states:
 *
 *     open      delivered, its task not finished            ·
 *     settled   finished; an ack is owed                    ✓
 *     closed    its own ack or nack is in the write buffer  ×
 *
 *        base                         high
 *     …   │ 43  44  45  46  47  48  49 │ not delivered yet
 *         │  ✓   ×   ✓   ·   ✓   ·   ✓ │
 *         └─ prefix ──┘ ack 45 multiple; 47 and 49 wait for 46
 *
 * A slow task at the base holds back the acks above it. When those exceed half the prefetch, they are acked one by one,
 * so that a straggler never starves the consumer; and so they are when it takes too long (ack-patience.ts). When the window outgrows its ring (a straggler held for far longer
 * than its neighbours), open tags at the base are set aside in `#detached`; while there are any, nothing is `multiple`.
 *
 * Cost: about 10 ns a message (bench/micro/ack-sequencer.bench.ts). One sequencer per epoch, because a new channel
 * counts its tags from 1 again.
 */
const OPEN = 0;
const SETTLED = 1;
const CLOSED = 2;

export type EmitAck = (tag: number, multiple: boolean) => void;

export class AckSequencer {
  readonly #slots: Uint8Array;
  readonly #mask: number;
  #share = 0;
  readonly #detached = new Set<number>();
  /** Detached tags that settled since the last `take`. */
  #detachedSettled: number[] = [];
  #base = 1;
  #high = 0;
  /** Settled tags at or above the base. */
  #settled = 0;

  /**
   * @param prefetch - unacked messages the broker may push, 1 to 65535
   * @param highest - what that may become
   */
  constructor(prefetch: number, highest: number = prefetch) {
    const window = 2 ** Math.ceil(Math.log2(highest * 4));
    this.#slots = new Uint8Array(window);
    this.#mask = window - 1;
    this.prefetch = prefetch;
  }

  /** Unacked messages the broker may push from now on. */
  set prefetch(prefetch: number) {
    // below a half: with a prefetch of two, one settled message behind a straggler is all that there can be
    this.#share = (prefetch - 1) >> 1;
  }

  /** Messages settled whose ack has not been emitted. */
  get owed(): number {
    return this.#settled + this.#detachedSettled.length;
  }

  /** After a `take`: the open tag that settled ones wait for; 0 when none waits. */
  get straggler(): number {
    return this.#settled > 0 ? this.#base : 0;
  }

  /** Messages delivered and neither settled nor closed. */
  get open(): number {
    let open = this.#detached.size;
    for (let tag = this.#base; tag <= this.#high; tag++) if (this.#slots[tag & this.#mask] === OPEN) open++;
    return open;
  }

  /** Tags up to this one have been delivered. */
  delivered(tag: number): void {
    while (tag - this.#base > this.#mask) this.#detachBase();
    this.#high = tag;
  }

  /** Marks delivered tags as finished: their acks are owed. Each tag is settled or closed once. */
  settle(firstTag: number, count: number): void {
    for (let tag = firstTag; tag < firstTag + count; tag++) {
      if (tag < this.#base) {
        this.#detached.delete(tag);
        this.#detachedSettled.push(tag);
      } else {
        this.#slots[tag & this.#mask] = SETTLED;
        this.#settled++;
      }
    }
  }

  /** Notes that the caller has just written this open tag's own ack or nack. */
  close(tag: number): void {
    if (tag < this.#base) this.#detached.delete(tag);
    else this.#slots[tag & this.#mask] = CLOSED;
  }

  /**
   * Emits the acks that are due; returns how many messages they cover. Acks go out in the order emitted.
   * @param share - settled messages that may wait behind a straggler; 0 at the end, when nothing else will come
   */
  take(emit: EmitAck, share: number = this.#share): number {
    let acked = this.#detachedSettled.length;
    for (const tag of this.#detachedSettled) emit(tag, false);
    if (acked > 0) this.#detachedSettled = [];
    acked += this.#takePrefix(emit);
    if (this.#settled > share) acked += this.#takeStragglersNeighbours(emit);
    return acked;
  }

  #takePrefix(emit: EmitAck): number {
    const slots = this.#slots;
    const mask = this.#mask;
    const multiple = this.#detached.size === 0;
    let last = 0;
    let acked = 0;
    let tag = this.#base;
    while (tag <= this.#high) {
      const state = slots[tag & mask];
      if (state === OPEN) break;
      if (state === SETTLED) {
        last = tag;
        acked++;
        if (!multiple) emit(tag, false);
      }
      slots[tag & mask] = OPEN;
      tag++;
    }
    this.#base = tag;
    this.#settled -= acked;
    if (multiple && last > 0) emit(last, acked > 1);
    return acked;
  }

  /** Acks singly what is settled above an open base. */
  #takeStragglersNeighbours(emit: EmitAck): number {
    let acked = 0;
    for (let tag = this.#base; tag <= this.#high && this.#settled > 0; tag++) {
      if (this.#slots[tag & this.#mask] !== SETTLED) continue;
      emit(tag, false);
      this.#slots[tag & this.#mask] = CLOSED;
      this.#settled--;
      acked++;
    }
    return acked;
  }

  /** Moves the base up by one tag, so that the ring has room. */
  #detachBase(): void {
    const tag = this.#base++;
    const slot = tag & this.#mask;
    if (this.#slots[slot] === OPEN) this.#detached.add(tag);
    else if (this.#slots[slot] === SETTLED) {
      this.#settled--;
      this.#detachedSettled.push(tag);
    }
    this.#slots[slot] = OPEN;
  }
}
