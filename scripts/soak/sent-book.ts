import { KINDS, type Kind } from './message-kinds.ts';

/** `sending`: no answer yet · `confirmed`: the broker has it · `given-up`: no confirm came, it may be there or not. */
export type SentState = 'sending' | 'confirmed' | 'given-up';

const STATES: readonly SentState[] = ['sending', 'confirmed', 'given-up'];
const KIND_ROOM = 16;
const STATE_ROOM = 4;

export interface SentEntry {
  readonly kind: Kind;
  /** The counter's key, or the message's number. */
  readonly key: number;
  readonly state: SentState;
}

/** Every id that was sent. An entry is one number, kind + 16 · state + 64 · key: a million of them are some 100 MB. */
export class SentBook {
  readonly #entries = new Map<string, number>();
  #confirmed = 0;
  #givenUp = 0;

  get size(): number {
    return this.#entries.size;
  }

  get confirmed(): number {
    return this.#confirmed;
  }

  get givenUp(): number {
    return this.#givenUp;
  }

  begin(id: string, kind: Kind, key: number): void {
    if (this.#entries.has(id)) throw new Error(`the id ${id} was given twice`);
    this.#entries.set(id, pack(kind, 'sending', key));
  }

  confirm(id: string): void {
    this.#settle(id, 'confirmed');
    this.#confirmed++;
  }

  giveUp(id: string): void {
    this.#settle(id, 'given-up');
    this.#givenUp++;
  }

  entry(id: string): SentEntry | undefined {
    const packed = this.#entries.get(id);
    return packed === undefined ? undefined : unpack(packed);
  }

  *entries(): Generator<readonly [id: string, entry: SentEntry]> {
    for (const [id, packed] of this.#entries) yield [id, unpack(packed)];
  }

  #settle(id: string, state: SentState): void {
    const entry = this.entry(id);
    if (entry?.state !== 'sending') throw new Error(`${id} is ${entry?.state ?? 'unknown'}, it cannot become ${state}`);
    this.#entries.set(id, pack(entry.kind, state, entry.key));
  }
}

function pack(kind: Kind, state: SentState, key: number): number {
  return (key * STATE_ROOM + STATES.indexOf(state)) * KIND_ROOM + KINDS.indexOf(kind);
}

function unpack(packed: number): SentEntry {
  const rest = Math.floor(packed / KIND_ROOM);
  return {
    kind: KINDS[packed % KIND_ROOM] as Kind,
    state: STATES[rest % STATE_ROOM] as SentState,
    key: Math.floor(rest / STATE_ROOM),
  };
}
