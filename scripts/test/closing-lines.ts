import type { RecordedEvent } from './recorded-event.ts';

const FIGURES = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;
export type Figures = Record<(typeof FIGURES)[number], number>;

/** The runner's own figures, over all its runs. */
export function sumFigures(events: readonly RecordedEvent[]): Figures {
  const figures: Figures = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 };
  for (const event of events) {
    if (event.kind === 'figure' && event.name in figures) figures[event.name as keyof Figures] += event.value;
  }
  return figures;
}

/** The last lines of a run: what failed, what was skipped and why, and the summary as node's runner writes it. */
export function closingLines(events: readonly RecordedEvent[], servers: readonly string[], seconds: number): string[] {
  const lines: string[] = [];
  for (const event of events) {
    if (event.kind === 'failed') lines.push(`failed: ${event.file}: ${event.name}: ${event.message}`);
  }
  for (const [reason, count] of countSkips(events)) {
    lines.push(`skipped: ${count} ${count === 1 ? 'test' : 'tests'}: ${reason === '' ? 'no reason given' : reason}`);
  }
  lines.push(...servers);
  const figures = sumFigures(events);
  for (const name of FIGURES) lines.push(`# ${name} ${figures[name]}`);
  lines.push(`# duration_ms ${Math.round(seconds * 1000)}`);
  return lines;
}

function countSkips(events: readonly RecordedEvent[]): Map<string, number> {
  const reasons = new Map<string, number>();
  for (const event of events) {
    if (event.kind === 'skipped') reasons.set(event.reason, (reasons.get(event.reason) ?? 0) + 1);
  }
  return reasons;
}
