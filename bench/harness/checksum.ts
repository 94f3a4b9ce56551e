import type { Signature } from './message-source.ts';

/** Of a text longer than `WHOLE`, only every `EVERY`-th character counts from there on, and its length. */
const WHOLE = 256;
const EVERY = 1024;

function fnv(hash: number, text: string): number {
  const whole = Math.min(text.length, WHOLE);
  let next = hash;
  for (let i = 0; i < whole; i++) next = Math.imul(next ^ text.charCodeAt(i), 0x01000193);
  if (text.length <= WHOLE) return next;
  for (let i = EVERY; i < text.length; i += EVERY) next = Math.imul(next ^ text.charCodeAt(i), 0x01000193);
  return Math.imul(next ^ text.length, 0x01000193);
}

/**
 * FNV-1a over what a handler was given of one message: id, task name and argument, about 110 characters, or samples of
 * a long argument. Costs about 0.1 µs, the same for every contender; all of a megabyte would cost more than to move it.
 * A run's checksum is the sum over its messages modulo 2^32, so the order in which they were handled does not matter.
 * native/drain.c computes the same.
 */
export function checksumOf(signature: Signature): number {
  const head = fnv(fnv(0x811c9dc5, signature.UUID), signature.Name);
  return fnv(head, signature.Args[0]?.Value ?? '') >>> 0;
}
