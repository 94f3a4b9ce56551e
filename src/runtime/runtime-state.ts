import { RuntimeError } from '../errors/runtime-error.ts';

/**
 * Where a runtime is in its life.
 *
 * - `created`: made, nothing opened
 * - `starting`: connecting, loading tasks, declaring
 * - `running`: consuming
 * - `draining`: consuming no more; what was begun finishes
 * - `stopping`: closing threads, store and broker
 * - `stopped`: nothing is left
 * - `failed`: it could not start or could not go on; what was open is closed
 */
export type RuntimeState = 'created' | 'starting' | 'running' | 'draining' | 'stopping' | 'stopped' | 'failed';

/** Every move that is allowed. docs/lifecycle.md draws its diagram from this table. */
export const RUNTIME_MOVES = {
  created: ['starting', 'stopped'],
  starting: ['running', 'failed'],
  running: ['draining', 'stopping', 'failed'],
  draining: ['stopping', 'failed'],
  stopping: ['stopped', 'failed'],
  stopped: [],
  failed: [],
} as const satisfies Record<RuntimeState, readonly RuntimeState[]>;

/** Throws E_STATE where the table has no such move: a bug in millrace, never in the program that uses it. */
export function assertMove(from: RuntimeState, to: RuntimeState): void {
  const allowed: readonly RuntimeState[] = RUNTIME_MOVES[from];
  if (allowed.includes(to)) return;
  throw new RuntimeError(
    'E_STATE',
    `a runtime cannot go from ${from} to ${to}; allowed are: ${allowed.join(', ') || 'none'}`,
  );
}
