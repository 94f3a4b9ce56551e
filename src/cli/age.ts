const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** How long ago, in the largest unit that fits: `3h ago`. */
export function ago(date: Date, now: number): string {
  const ms = Math.max(0, now - date.getTime());
  const [unit, size] = UNITS.find(([, length]) => ms >= length) ?? (['s', 1_000] as const);
  return `${Math.floor(ms / size)}${unit} ago`;
}

/** `2026-01-31 12:00:00 UTC` */
export function utc(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
