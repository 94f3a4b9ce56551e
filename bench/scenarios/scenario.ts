import { CATALOGUE } from '../contenders/catalogue.ts';
import type { ContenderJob } from '../contenders/contender.ts';
import type { CatalogueEntry } from '../contenders/entry.ts';
import type { ChildReport } from '../harness/child.ts';
import { failingAmong } from '../harness/failing-tasks.ts';
import { expectedChecksum } from '../harness/filler.ts';
import type { Turn } from '../harness/interleave.ts';
import type { Field } from '../harness/needs.ts';
import type { BenchOptions } from '../harness/options.ts';
import type { QueueAdmin } from '../harness/queue-admin.ts';
import type { TurnResult } from '../harness/recorder.ts';
import { COLLECTION, DATABASE, type StoreAdmin } from '../harness/store-admin.ts';
import { type Evidence, judge, type Left } from '../harness/verdict.ts';

/** What a turn works with. */
export interface Bench {
  readonly options: BenchOptions;
  readonly amqpUrl: string;
  readonly queue: QueueAdmin;
  /** What was made ready for the contenders. */
  readonly field: Field;
  /** There when any contender of the run writes. */
  readonly store: StoreAdmin | undefined;
  /** Hashes that make --task-ms and --long-ms on this machine. */
  readonly iterations: number | undefined;
  readonly longIterations: number | undefined;
  /** Messages a second, where the clock says when they arrive. */
  readonly arrivalRate: number | undefined;
}

/** What a turn works with where broker and store are in the contender's own process. */
export type ServerlessBench = Pick<Bench, 'options' | 'field'>;

/** One contender, once: in a fresh process, on a fresh queue and an empty collection. */
export type Scenario<Needed extends ServerlessBench = Bench> = (
  bench: Needed,
  turn: Turn,
  messages: number,
) => Promise<TurnResult>;

export function entryOf(turn: Turn): CatalogueEntry {
  const entry = CATALOGUE[turn.contender];
  if (entry === undefined) throw new Error(`no contender ${turn.contender}`);
  return entry;
}

/** What a job tells of them. */
interface JobBench extends Omit<Bench, 'queue' | 'store' | 'arrivalRate'> {
  readonly queue: Pick<QueueAdmin, 'queue'>;
}

export function jobOf(
  bench: JobBench,
  turn: Turn,
  messages: number,
  store: Pick<StoreAdmin, 'url'> | undefined,
): ContenderJob {
  const fails = entryOf(turn).fails === true;
  return {
    amqpUrl: bench.amqpUrl,
    queue: bench.queue.queue,
    messages,
    acks: messages + (fails ? failingAmong(messages) : 0),
    fails,
    window: bench.options.parameters.window,
    queueType: bench.options.queueType,
    redisUrl: bench.field.redisUrl,
    python: bench.field.python,
    store: store && { url: store.url, database: DATABASE, collection: COLLECTION },
    options: entryOf(turn).options,
    seed: turn.seed,
    iterations: bench.iterations,
    longIterations: entryOf(turn).mixed === true ? bench.longIterations : undefined,
    ...entryOf(turn).settings(bench.options.settings),
  };
}

export interface Finished {
  readonly messages: number;
  readonly seed: number;
  readonly report: Pick<ChildReport, 'acked' | 'nacked' | 'unknownTags' | 'handled' | 'cpuMicros' | 'peakRssMiB'>;
  readonly store: StoreAdmin | undefined;
  /** Attempts beyond one a message, each with an ack of its own. */
  readonly retries?: number;
  /** Where the messages were not in the bench's own queue. */
  readonly left?: Left;
}

type Settled = Omit<TurnResult, 'seconds' | 'latency' | 'publisherCpuMicros'>;

/** Looks at what the contender left behind. */
export async function settle(bench: Bench, finished: Finished): Promise<Settled> {
  const left = finished.left ?? (await bench.queue.left());
  const stored = await finished.store?.summarize(finished.seed, finished.messages);
  return settled(bench, finished, { left, stored });
}

/** Judges what is known to be left behind. */
export function settled(
  { options }: ServerlessBench,
  finished: Omit<Finished, 'store' | 'left'>,
  { left, stored }: Pick<Evidence, 'left' | 'stored'>,
): Settled {
  const { messages, seed, retries = 0 } = finished;
  const report = { ...finished.report, acked: finished.report.acked - retries };
  const expected = expectedChecksum(seed, messages, options.parameters.bodyBytes);
  return {
    ...judge({ messages, expectedChecksum: expected, report, stored, left }),
    acked: report.acked,
    cpuMicros: report.cpuMicros,
    handlerCalls: report.handled.calls,
    checksum: report.handled.checksum,
    expectedChecksum: expected,
    peakRssMiB: report.peakRssMiB,
  };
}
