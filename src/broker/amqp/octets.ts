/**
 * Big-endian numbers read in place. Unlike the methods of Buffer they check no bounds: outside the buffer they give a
 * meaningless number and never throw, which is what a parser wants that verifies lengths anyway.
 */

export function u16(source: Uint8Array, at: number): number {
  return ((source[at] as number) << 8) | (source[at + 1] as number);
}

export function u32(source: Uint8Array, at: number): number {
  return (
    (((source[at] as number) << 24) |
      ((source[at + 1] as number) << 16) |
      ((source[at + 2] as number) << 8) |
      (source[at + 3] as number)) >>>
    0
  );
}

/** Exact up to 2^53, rounded above. */
export function u64(source: Uint8Array, at: number): number {
  return u32(source, at) * 2 ** 32 + u32(source, at + 4);
}
