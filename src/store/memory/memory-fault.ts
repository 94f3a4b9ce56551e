import type { InsertProblem } from '../store.ts';

/** Why a write cannot be done; what MongoDB says with an error code. */
export class MemoryFault extends Error {
  readonly kind: Exclude<InsertProblem['kind'], 'duplicate-id'>;

  constructor(kind: MemoryFault['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}
