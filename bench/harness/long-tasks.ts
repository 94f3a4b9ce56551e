/** Which messages are long in cpu-mixed: known by their index, so that publisher, task and harness agree. */
import type { Signature } from './message-source.ts';

const LONG_EVERY = 100;

export function isLong(index: number): boolean {
  return index % LONG_EVERY === 0;
}

export function isLongSignature(signature: Signature): boolean {
  return isLong(Number.parseInt(signature.UUID.slice(-12), 16));
}
