/** Which messages fail at their first attempt in workload: known by their index, so that task and harness agree. */
import type { Signature } from './message-source.ts';

const FAIL_EVERY = 100;

/** Messages among the first so many whose first attempt fails. */
export function failingAmong(messages: number): number {
  return Math.ceil(messages / FAIL_EVERY);
}

export function failsFirst(signature: Signature): boolean {
  return Number.parseInt(signature.UUID.slice(-12), 16) % FAIL_EVERY === 0;
}
