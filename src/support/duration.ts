/** A length of time: a number of milliseconds, or a number with its unit, e.g. `'250ms'`, `'30s'`, `'5m'`, `'1.5h'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`;

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const WITH_UNIT = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/** Milliseconds, or undefined where the value is no duration. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = WITH_UNIT.exec(value);
  if (match === null) return undefined;
  return Number(match[1]) * (MS_PER_UNIT[match[2] ?? ''] ?? Number.NaN);
}

/** The shortest text with a unit that is exact, e.g. `90s`, `5m`, `1500ms`. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    const size = MS_PER_UNIT[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
