/** A number that the runtime works with, and where it comes from. */
export interface Choice {
  readonly value: number;
  /** A sentence without a full stop, for people: e.g. `2 s of work at 10.2 ms a task`. */
  readonly why: string;
}

/** 0.0021 → `0.0021 ms`, 1234.5 → `1.23 s`: three significant digits, in the unit that people would use. */
export function workText(ms: number): string {
  return ms >= 1000 ? `${Number((ms / 1000).toPrecision(3))} s` : `${Number(ms.toPrecision(3))} ms`;
}
