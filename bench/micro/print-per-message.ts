import type { Bench } from 'tinybench';

/** Prints each task's time for one message; the tasks handle `messages` of them a call. */
export function printPerMessage(bench: Bench, messages: number): void {
  const rows = bench.tasks.map(({ name, result }) => {
    if (!('latency' in result)) throw new Error(`${name} did not run`);
    const nanos = (ms: number): number => Math.round((ms * 1e6 * 10) / messages) / 10;
    return { name, 'ns a message (median)': nanos(result.latency.p50), 'ns (p99)': nanos(result.latency.p99) };
  });
  console.table(rows);
}
