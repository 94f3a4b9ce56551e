/**
 * The process that `npm run memory` watches: millrace with its own defaults and a task that does nothing. Needs --expose-gc.
 *
 *     parent ── {amqpUrl, queue} ──▶ child ── ready ──▶ … sample every ten seconds … ──▶ allocation
 *            ── end ──▶
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { millrace } from '../contenders/built-package.ts';
import { allocatedDuring } from './allocation.ts';
import type { MemorySample } from './memory-verdict.ts';
import { heldBytes, MEMORY_CHANNEL, type MemoryQuestion, type ThreadMemory } from './thread-memory.ts';

export interface MemoryOrder {
  readonly kind: 'order';
  readonly amqpUrl: string;
  readonly queue: string;
  readonly threads: number | undefined;
}
export type ToMemoryChild = MemoryOrder | { readonly kind: 'end' };
export type FromMemoryChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sample'; readonly sample: MemorySample }
  /** Of the main thread, in the last seconds; told when the runtime has stopped. */
  | { readonly kind: 'allocation'; readonly bytesPerMessage: number };

const SAMPLE_EVERY_MS = 10_000;
const ALLOCATION_MS = 5_000;
/** A thread answers between two batches. */
const ANSWER_MS = 1_000;

function tell(message: FromMemoryChild): void {
  process.send?.(message);
}

async function run(order: MemoryOrder, ended: Promise<void>): Promise<void> {
  const runtime = await millrace.startRuntime({
    tasks: new URL('../contenders/memory-tasks.js', import.meta.url),
    broker: order.amqpUrl,
    queues: [order.queue],
    ...(order.threads === undefined ? {} : { threads: order.threads }),
    log: { level: 'warn' },
  });
  const answers = new Map<string, ThreadMemory>();
  const channel = new BroadcastChannel(MEMORY_CHANNEL);
  channel.onmessage = (event) => {
    const answer = (event as { data: MemoryQuestion | ThreadMemory }).data;
    if (answer.kind === 'answer') answers.set(answer.name, answer);
  };
  tell({ kind: 'ready' });
  const startMs = performance.now();
  const sample = async (): Promise<void> => {
    answers.clear();
    channel.postMessage({ kind: 'question' } satisfies MemoryQuestion);
    await sleep(ANSWER_MS);
    const threads = [{ name: 'main', bytes: heldBytes() }, ...answers.values()];
    const seconds = (performance.now() - startMs) / 1000;
    const rssBytes = process.memoryUsage.rss();
    const named = threads.map(({ name, bytes }) => ({ name, bytes }));
    tell({ kind: 'sample', sample: { seconds, handled: runtime.stats().handlerCalls, rssBytes, threads: named } });
  };
  const over = new AbortController();
  void ended.then(() => over.abort());
  while (!over.signal.aborted) {
    await Promise.race([sleep(SAMPLE_EVERY_MS), ended]);
    if (!over.signal.aborted) await sample();
  }
  const before = runtime.stats().acked;
  const bytes = await allocatedDuring(() => sleep(ALLOCATION_MS));
  const bytesPerMessage = bytes / (runtime.stats().acked - before);
  channel.close();
  await runtime.stop();
  tell({ kind: 'allocation', bytesPerMessage });
}

let end: () => void = () => {};
const ended = new Promise<void>((resolve) => {
  end = resolve;
});

process.on('message', (message: ToMemoryChild) => {
  if (message.kind === 'end') return end();
  run(message, ended).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit());
