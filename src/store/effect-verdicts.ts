import type { ErrorCode } from '../errors/codes.ts';
import type { WireError } from '../errors/wire-error.ts';

/**
 * Why a task's effects are not all stored. `failed`: its own fault, running again changes nothing.
 * `unknown`: the store did not say; the task runs again and no attempt is counted.
 */
export interface EffectProblem {
  readonly index: number;
  readonly kind: 'failed' | 'unknown';
  readonly error: WireError;
}

/** The first failure of each task of a batch, unless something of it is unknown. */
export class EffectVerdicts {
  readonly #problems = new Map<number, EffectProblem>();

  fail(index: number, error: WireError): void {
    if (!this.#problems.has(index)) this.#problems.set(index, { index, kind: 'failed', error });
  }

  leaveUnknown(index: number, error: WireError): void {
    if (this.#problems.get(index)?.kind !== 'unknown') this.#problems.set(index, { index, kind: 'unknown', error });
  }

  byIndex(): readonly EffectProblem[] {
    return [...this.#problems.values()].sort((a, b) => a.index - b.index);
  }
}

export const STORE_MISSING = storeError(
  'E_STORE_MISSING',
  "the task returned an effect, but the runtime has no store: give startRuntime a `store`, e.g. 'mongodb://localhost/app'",
);

export function refusal(collection: string, reason: string): WireError {
  return storeError('E_STORE_REFUSED', `the store refuses the document for collection '${collection}': ${reason}`);
}

export function storeError(code: ErrorCode, message: string): WireError {
  return { name: 'RuntimeError', code, message };
}
