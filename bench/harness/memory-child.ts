/**
 * The process that `npm run memory` watches: millrace with its own defaults and a task that does nothing. Needs --expose-gc.
 *
 *     parent ── {amqpUrl, queue, backlog} ──▶ child ── allocation of the backlog ──▶ … sample every ten seconds …
 *            ── end ──▶                             ── allocation of what arrives ──▶
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import type { Runtime } from '../../src/index.ts';
import { millrace } from '../contenders/built-package.ts';
import { allocatedDuring } from './allocation.ts';
import { type AllocationReport, reportOf } from './allocation-report.ts';
import type { MemorySample } from './memory-verdict.ts';
import { startProgress } from './progress.ts';
import { heldBytes, MEMORY_CHANNEL, type MemoryQuestion, type ThreadMemory } from './thread-memory.ts';

export interface MemoryOrder {
  readonly kind: 'order';
  readonly amqpUrl: string;
  readonly queue: string;
  readonly threads: number | undefined;
  /** Messages that are in the queue when it is given. */
  readonly backlog: number;
}
export type ToMemoryChild = MemoryOrder | { readonly kind: 'end' };
export type FromMemoryChild =
  | { readonly kind: 'sample'; readonly sample: MemorySample }
  /** Of the second half of the backlog, when it is worked off. */
  | { readonly kind: 'backlog'; readonly allocation: AllocationReport }
  /** Of what arrived in the last seconds; told when the runtime has stopped. */
  | { readonly kind: 'arriving'; readonly allocation: AllocationReport };

const SAMPLE_EVERY_MS = 10_000;
const ALLOCATION_MS = 5_000;
/** A thread answers between two batches. */
const ANSWER_MS = 1_000;
const BACKLOG_LOOK_MS = 10;
/** A worker that acks nothing for so long will not. */
const STUCK_AFTER_MS = 60_000;

function tell(message: FromMemoryChild): void {
  process.send?.(message);
}

/** What the main thread allocated a message while `meanwhile` was pending. */
async function allocationOf(runtime: Runtime, meanwhile: () => Promise<void>): Promise<AllocationReport> {
  const batches = (): number => Object.values(runtime.stats().batches).reduce((sum, count) => sum + count, 0);
  const ackedBefore = runtime.stats().acked;
  const batchesBefore = batches();
  const allocation = await allocatedDuring(meanwhile);
  return reportOf(allocation, runtime.stats().acked - ackedBefore, batches() - batchesBefore);
}

/** The first half of the backlog is for V8 to compile in. */
async function workOff(runtime: Runtime, backlog: number): Promise<AllocationReport> {
  const progress = startProgress('working off');
  let acked = 0;
  let ackedAt = performance.now();
  const until = async (wanted: number): Promise<void> => {
    for (;;) {
      const now = performance.now();
      const before = acked;
      acked = runtime.stats().acked;
      progress.update(acked, backlog);
      if (acked >= wanted) return;
      if (acked > before) ackedAt = now;
      if (now - ackedAt > STUCK_AFTER_MS) throw new Error(`nothing was acked for a minute, at ${acked} of ${backlog}`);
      await sleep(BACKLOG_LOOK_MS);
    }
  };
  await until(backlog / 2);
  const allocation = await allocationOf(runtime, () => until(backlog));
  progress.end();
  return allocation;
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
  tell({ kind: 'backlog', allocation: await workOff(runtime, order.backlog) });
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
  const allocation = await allocationOf(runtime, () => sleep(ALLOCATION_MS));
  channel.close();
  await runtime.stop();
  tell({ kind: 'arriving', allocation });
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
