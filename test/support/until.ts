/**
 * Resolves when the condition holds, asked once a turn of the event loop; rejects after `withinMs` naming what it
 * waited for. For states that several parts reach together and none of them announces.
 */
export async function until(what: string, condition: () => boolean, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`still waiting after ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
