/** A number of bytes, or a number with its unit, e.g. `'512KiB'`, `'64MiB'`, `'1GiB'`. Units are powers of 1024. */
export type ByteSize = number | `${number}${'B' | 'KiB' | 'MiB' | 'GiB'}`;

const BYTES_PER_UNIT: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const WITH_UNIT = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/;

/** Whole bytes, or undefined where the value is no size. */
export function parseByteSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = WITH_UNIT.exec(value);
  if (match === null) return undefined;
  return Math.floor(Number(match[1]) * (BYTES_PER_UNIT[match[2] ?? ''] ?? Number.NaN));
}

/** The shortest text with a unit that is exact, e.g. `64MiB`, `1000B`. */
export function formatByteSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    const size = BYTES_PER_UNIT[unit] ?? 1;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes}B`;
}
