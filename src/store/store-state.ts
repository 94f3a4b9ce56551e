import { RuntimeError } from '../errors/runtime-error.ts';
import type { StoreHealth } from './store.ts';

export type StoreState = StoreHealth['state'];

/** created → connected ⇄ away; stopped from anywhere. */
export const STORE_STATE_NEXT = {
  created: ['connected', 'stopped'],
  connected: ['away', 'stopped'],
  away: ['connected', 'stopped'],
  stopped: [],
} as const satisfies Record<StoreState, readonly StoreState[]>;

/**
 * Where a store adapter stands, and why it is away: the one field and the one setter that all adapters share.
 *
 * Cost: nothing per document; it moves when the store comes or goes.
 */
export class StoreStateField {
  #state: StoreState = 'created';
  #reason: string | undefined;

  get state(): StoreState {
    return this.#state;
  }

  /** Why the store is away; undefined in every other state. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Moving to the state it is in already only renews the reason. */
  moveTo(next: StoreState, reason?: string): void {
    const allowed: readonly StoreState[] = STORE_STATE_NEXT[this.#state];
    if (next !== this.#state && !allowed.includes(next)) {
      throw new RuntimeError('E_STATE', `a store that is ${this.#state} cannot become ${next}`);
    }
    this.#state = next;
    this.#reason = next === 'away' ? reason : undefined;
  }

  /** Throws E_STATE where the store has been stopped: it does not start again. */
  assertStartable(): void {
    if (this.#state !== 'stopped') return;
    throw new RuntimeError('E_STATE', 'the store was stopped and does not start again; make a new one');
  }
}
