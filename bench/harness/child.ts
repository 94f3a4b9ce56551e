/**
 * The process that one contender has for itself in one round. It is told what to run by the first message from the
 * harness, counts around it, and reports:
 *
 *     harness ── {module, job} ──▶ child ── ready ──▶ … acked n … ──▶ report ──▶ exit
 *             ── go (where it was told to wait once it is loaded) ──▶
 *             ── restart (live: the publishers begin now) ──▶
 *             ── giveUp (no progress any more, or a fleet is done) ──▶
 */
import type { ContenderJob, ContenderModule, ForeignRun, HandOverLatency } from '../contenders/contender.ts';
import type { AckWatch, Meter } from './ack-watch.ts';
import type { EmbeddedRemains, EmbeddedRun } from './embedded-run.ts';
import { callsByMessage, createHandledLedger, type HandledSummary, summarizeHandled } from './handled-ledger.ts';
import { ThreadTimes } from './thread-times.ts';
import { WireWatch, watchWrites } from './wire-watch.ts';

export interface ChildTask {
  /** File URL of a contender module. */
  readonly module: string;
  readonly job: ContenderJob;
  /** Report the time of each ack. */
  readonly ackTimes: boolean;
  /** One of several that share the messages: begins when told to, ends when told to, and reports the calls of each message. */
  readonly fleet?: boolean;
  /** Broker and store are in the contender's process. */
  readonly embedded?: boolean;
}

export interface ChildReport {
  /** Both on the machine's monotonic clock, ms. */
  readonly startMs: number;
  readonly endMs: number;
  readonly cpuMicros: number;
  readonly acked: number;
  readonly nacked: number;
  /** Acks of tags that were not outstanding. */
  readonly unknownTags: number;
  readonly handled: HandledSummary;
  readonly latency: HandOverLatency | undefined;
  readonly ackTimes: Float64Array | undefined;
  /** How often each message was handled; of a fleet only. */
  readonly calls: Uint8Array | undefined;
  readonly peakRssMiB: number;
  /** Busy thread time ÷ (wall × threads); undefined where it has no threads. */
  readonly threadsBusy: number | undefined;
  /** Where broker and store were in the contender's process. */
  readonly remains: EmbeddedRemains | undefined;
}

export type ToChild =
  | { readonly kind: 'run'; readonly task: ChildTask }
  | { readonly kind: 'go' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'giveUp' };
export type FromChild =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'restarted' }
  | { readonly kind: 'acked'; readonly count: number }
  | { readonly kind: 'report'; readonly report: ChildReport };

const PROGRESS_EVERY_MS = 1000;
/** A fleet is done when all of it together is. */
const FLEET_PROGRESS_EVERY_MS = 100;

function tell(message: FromChild): void {
  process.send?.(message);
}

/** Loaded only where it is wanted: it loads the package. */
async function openEmbedded(job: ContenderJob, meter: Meter): Promise<EmbeddedRun> {
  const { openEmbedded: open } = await import('./embedded-run.ts');
  return open(job, meter);
}

async function run(task: ChildTask, gaveUp: Promise<void>): Promise<void> {
  const { job } = task;
  const handled = createHandledLedger(job.messages);
  const threads = new ThreadTimes();
  const wire = new WireWatch({ queue: job.queue, messages: job.acks }, threads);
  watchWrites(wire);
  watch = wire;
  let foreign: ForeignRun | undefined;
  const acked = (): number => foreign?.acked() ?? watch?.acked ?? 0;
  const everyMs = task.fleet === true ? FLEET_PROGRESS_EVERY_MS : PROGRESS_EVERY_MS;
  const progress = setInterval(() => tell({ kind: 'acked', count: acked() }), everyMs);
  const module = (await import(task.module)) as ContenderModule;
  if (task.fleet === true) {
    tell({ kind: 'loaded' });
    await told;
  }
  const embedded = task.embedded === true ? await openEmbedded(job, threads) : undefined;
  if (embedded !== undefined) watch = embedded.watch;
  const contender = await module.start(job, embedded?.servers);
  foreign = contender.foreign;
  tell({ kind: 'ready' });
  const measured = foreign?.report ?? watch.allAcked.then(() => undefined);
  const foreignReport = await Promise.race([measured, gaveUp.then(() => undefined)]);
  clearInterval(progress);
  if (foreign === undefined && watch.acked < job.acks) watch.giveUp();
  const latency = contender.latency();
  await contender.stop();
  const report: ChildReport = {
    startMs: watch.startMs,
    endMs: watch.endMs,
    cpuMicros: watch.cpuMicros,
    acked: watch.acked,
    nacked: watch.nacked,
    unknownTags: watch.unknownTags,
    handled: summarizeHandled(handled),
    latency,
    ackTimes: task.ackTimes ? watch.ackTimes : undefined,
    calls: task.fleet === true ? callsByMessage(handled) : undefined,
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    threadsBusy: threads.share,
    remains: await embedded?.remains(),
    ...foreignReport,
  };
  tell({ kind: 'report', report });
}

let watch: AckWatch | undefined;
let giveUp: () => void = () => {};
const gaveUp = new Promise<void>((resolve) => {
  giveUp = resolve;
});

let go: () => void = () => {};
const told = new Promise<void>((resolve) => {
  go = resolve;
});

process.on('message', (message: ToChild) => {
  if (message.kind === 'giveUp') giveUp();
  else if (message.kind === 'go') go();
  else if (message.kind === 'restart') {
    watch?.restart();
    tell({ kind: 'restarted' });
  } else {
    run(message.task, gaveUp).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  }
});
// the harness has the report, or is gone. It is the harness that disconnects: a report of a megabyte is not yet written
// when it has been sent
process.on('disconnect', () => process.exit());
