import { batchBytes, packBatch } from '../batch/batch-packer.ts';
import type { BufferPool } from '../batch/buffer-pool.ts';
import { DONE, Ledger, type LedgerState, TAKEN_BACK, WAITING } from '../batch/ledger.ts';
import { type BatchOutcomes, readOutcomes } from '../batch/outcome-packer.ts';
import type { Executor } from '../executor/executor.ts';
import { monotonicNow, monotonicOf } from '../support/monotonic.ts';
import { SmallSet } from '../support/small-set.ts';
import { type Batch, positionsOf, type Run, type RunInFlight } from './batch.ts';
import type { Choice } from './choice.ts';
import type { BatchTrigger } from './delivery-counters.ts';
import type { BatchOptions } from './delivery-options.ts';
import type { DeliveryTally } from './delivery-tally.ts';
import { NeighbourWatch } from './neighbour-watch.ts';
import { busyUntilDeath, lookAtThread, type ThreadDeath } from './quarantine.ts';
import type { QueueLane } from './queue-lane.ts';
import { Turns } from './turns.ts';

/** Batches a thread has at once: one runs or waits for the store, one is there when it is done. */
const SLOTS_A_THREAD = 2;
/** Records a slab holds at most, and so tasks a ledger must have room for. */
const LEDGER_TASKS = 4_096;
/** A queue whose tasks take longer on average leaves one thread to the other queues. */
const SLOW_TASK_MS = 250;

export interface DispatcherParts {
  readonly executor: Executor;
  readonly lanes: readonly QueueLane[];
  readonly buffers: BufferPool;
  readonly tally: DeliveryTally;
  readonly options: BatchOptions;
  readonly salt: number;
  /** False while nothing may be started, e.g. because the store is away. */
  readonly mayStart: () => boolean;
  /** True while nothing of this queue may be started, because its follow-ups are not taken. */
  readonly isPaused: (lane: QueueLane) => boolean;
  /** Looks at a batch before it runs; the positions that may, undefined: all. */
  readonly screen: (batch: Batch) => readonly number[] | undefined;
  readonly complete: (run: RunInFlight, outcomes: BatchOutcomes) => void;
  /** These are done in a run that has not ended. */
  readonly completeEarly: (run: RunInFlight, indexes: readonly number[]) => void;
  /** A run came back without outcomes. `death`: what was going on in its thread when that died. */
  readonly broken: (run: RunInFlight, error: unknown, death: ThreadDeath) => void;
  /** A run has ended and its slot is free. */
  readonly ended: () => void;
  /** What must not happen: an answer that cannot be read. */
  readonly failed: (error: unknown) => void;
}

/**
 * Cuts batches and sends them to threads. `pump` is called whenever something changed: a socket read ended, a run
 * ended, a batch grew old. It is the only place where a batch is cut, and a batch is cut only for a free slot:
 *
 *     a thread is idle                → what there is, at once             trigger idle (size, bytes if full)
 *       but messages pour in          → a full batch, or one twice as old  trigger size, bytes, idle
 *       or come nearly as fast        → a full batch, or an old one        trigger size, bytes, idle
 *     all busy, a second slot is free → only a full batch, or an old one   trigger size, bytes, age
 *
 * So an idle system adds no latency, and a busy one sends full batches. Where messages pour in, an idle thread waits for a
 * full batch as well, because each dispatch wakes two threads and the broker: noop CPU 0.87 (docs/performance.md). A second batch never waits behind long tasks.
 * A thread that a long task holds up gets nothing, and what it has not begun is taken back (neighbour-watch.ts).
 * Reruns go first; a suspect of a thread's death has all threads to itself. Queues share the threads by weight (turns.ts).
 *
 * Cost: one promise and about 50 µs a batch, nothing a message.
 */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #inFlight = new SmallSet<RunInFlight>();
  readonly #ledgers: Ledger[] = [];
  readonly #deaths = new Map<number, ThreadDeath>();
  readonly #turns: Turns<QueueLane>;
  readonly #neighbours: NeighbourWatch;
  #again: Run[] = [];
  #stopped = false;
  #ageTimer: NodeJS.Timeout | undefined;
  readonly #pumpNow = (): void => {
    this.#ageTimer = undefined;
    this.pump();
  };

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    const shares = parts.lanes.map((lane) => ({ lane, weight: lane.queue.weight }));
    this.#turns = new Turns(shares, (lane) => lane.batcher.messages > 0 && !parts.isPaused(lane));
    this.#neighbours = new NeighbourWatch({
      threads: parts.executor.threads,
      runs: () => this.#inFlight,
      mayStart: () => !this.#stopped && parts.mayStart(),
      done: parts.completeEarly,
      takenBack: (run) => this.#runElsewhere(run),
      changed: () => this.pump(),
    });
  }

  /** Batches that threads have. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Batches that threads may have of this queue. */
  inFlightChoice(lane: QueueLane): Choice {
    const { threads } = this.#parts.executor;
    return lane.sizer.longTasks
      ? { value: threads, why: 'one a thread: a task waits better here than behind a long one' }
      : { value: threads * SLOTS_A_THREAD, why: 'two a thread: one runs or is written while the other waits its turn' };
  }

  /** The same, to be looked at. */
  runs(): Iterable<RunInFlight> {
    return this.#inFlight;
  }

  /** True when no thread has room for another batch. */
  get full(): boolean {
    return this.#freeSlots() <= 0;
  }

  runAgain(run: Run): void {
    this.#parts.tally.reruns += positionsOf(run).length;
    this.#again.push(run);
  }

  pump(): void {
    if (this.#stopped || !this.#parts.mayStart()) return;
    this.#forgetStale();
    while (this.#freeSlots() > 0) {
      if (this.#mustWait()) return; // the end of a run pumps again
      const again = this.#again.shift();
      if (again !== undefined) this.#start(again);
      else if (!this.#startNext()) break;
    }
    if (this.#freeSlots() > 0) this.#watchAge();
  }

  /** Batches that threads could get beside those they have. */
  #freeSlots(): number {
    return this.#servingThreads() * SLOTS_A_THREAD - this.#servingRuns();
  }

  /** Threads that no long task holds up. */
  #servingThreads(): number {
    return this.#parts.executor.threads - this.#neighbours.heldUp.size;
  }

  /** Batches that those have. */
  #servingRuns(): number {
    const { heldUp } = this.#neighbours;
    if (heldUp.size === 0) return this.#inFlight.size;
    let runs = 0;
    for (const { ledger } of this.#inFlight) if (!heldUp.has(ledger.assignedTo)) runs++;
    return runs;
  }

  #runElsewhere(run: Run): void {
    this.#parts.tally.takenBack += positionsOf(run).length;
    this.#again.push(run);
  }

  /** Drops reruns whose epoch is over: the broker has delivered their messages again. */
  #forgetStale(): void {
    if (this.#again.length === 0) return;
    const stale = this.#again.filter(({ batch }) => !batch.lane.isLive(batch));
    if (stale.length === 0) return;
    this.#again = this.#again.filter(({ batch }) => batch.lane.isLive(batch));
    for (const run of stale) for (const index of positionsOf(run)) run.batch.lane.settle(run.batch, index, 1);
  }

  /** True while a run that must be alone is in flight, or is next and others are in flight. */
  #mustWait(): boolean {
    if (this.#inFlight.size === 0) return false;
    if (this.#again[0]?.alone === true) return true;
    for (const run of this.#inFlight) if (run.alone === true) return true;
    return false;
  }

  /** Starts nothing more, and takes back what threads have not begun. Returns what the caller must give back. */
  stop(): { batch: Batch; index: number }[] {
    this.#stopped = true;
    this.#neighbours.stop();
    if (this.#ageTimer !== undefined) clearTimeout(this.#ageTimer);
    this.#ageTimer = undefined;
    const unstarted = this.#again.flatMap((run) => positionsOf(run).map((index) => ({ batch: run.batch, index })));
    this.#again = [];
    return [...unstarted, ...this.#takeBack(WAITING)];
  }

  /** What is done in runs that have not ended. The caller settles it; their answers, if any come, no longer do. */
  takeDone(): { batch: Batch; index: number }[] {
    return this.#takeBack(DONE);
  }

  /** Takes the tasks in this state away from the runs that have not ended. */
  #takeBack(from: LedgerState): { batch: Batch; index: number }[] {
    const taken: { batch: Batch; index: number }[] = [];
    for (const run of this.#inFlight) {
      for (const index of positionsOf(run)) {
        if (!run.ledger.move(index, from, TAKEN_BACK)) continue;
        run.takenBack++;
        taken.push({ batch: run.batch, index });
      }
    }
    return taken;
  }

  /** Messages in runs that have not ended or wait to run again. */
  heldMessages(): number {
    let held = 0;
    for (const run of this.#inFlight) held += (run.indexes?.length ?? run.batch.count) - run.takenBack;
    for (const run of this.#again) held += run.indexes?.length ?? run.batch.count;
    return held;
  }

  /** Starts a batch of the next queue that has one to give; false when none has. */
  #startNext(): boolean {
    for (const lane of this.#turns.order()) {
      const trigger = this.#triggerFor(lane);
      if (trigger === undefined) continue;
      const batch = this.#cut(lane, trigger);
      const indexes = this.#parts.screen(batch);
      if (indexes === undefined || indexes.length > 0) this.#start({ batch, indexes });
      return true;
    }
    return false;
  }

  /** Why a batch of this lane may be cut now; undefined: it may not. */
  #triggerFor(lane: QueueLane): BatchTrigger | undefined {
    const { batcher, sizer } = lane;
    if (batcher.messages === 0) return undefined;
    const idleThread = this.#servingRuns() < this.#servingThreads();
    if (this.#mustLeaveRoom(lane)) return undefined;
    if (!idleThread && sizer.longTasks) return undefined;
    if (batcher.messages >= sizer.target) return 'size';
    if (batcher.bytes >= this.#parts.options.maxBytes) return 'bytes';
    const { maxAgeMs } = this.#parts.options;
    const ageMs = performance.now() - (batcher.oldestArrival ?? 0);
    if (!idleThread) return ageMs >= maxAgeMs ? 'age' : undefined;
    return ageMs < lane.patienceMs(maxAgeMs) ? undefined : 'idle';
  }

  /** True when a queue of slow tasks would take the last idle thread, so that other queues had to wait for them. */
  #mustLeaveRoom(lane: QueueLane): boolean {
    const { lanes, executor } = this.#parts;
    if (executor.threads < 2 || lane.sizer.meanTaskMs < SLOW_TASK_MS) return false;
    if (this.#servingRuns() < this.#servingThreads() - 1) return false;
    return lanes.some((other) => other !== lane && !other.queue.suspects);
  }

  #cut(lane: QueueLane, trigger: BatchTrigger): Batch {
    const cut = lane.batcher.cut(lane.sizer.target, this.#parts.options.maxBytes);
    if (cut === undefined) throw new Error('a batch was cut from an empty lane');
    this.#parts.tally.batches[trigger]++;
    const { slab, fromRecord, count } = cut;
    // Written out, as in `#start`: V8 makes a hidden class for each object that is spread (docs/performance.md).
    return { lane, slab, fromRecord, count, epoch: slab.epoch, firstTag: slab.firstTag + fromRecord, trigger };
  }

  #start(run: Run): void {
    const { batch } = run;
    const { buffers, executor, salt } = this.#parts;
    const buffer = buffers.take(batchBytes(batch.slab, batch.fromRecord, batch.count));
    const takenBytes = buffer.byteLength;
    const openedAt = batch.slab.arrivals[batch.fromRecord] as number;
    const openedAtMs = performance.timeOrigin + openedAt;
    const openedMonotonicMs = monotonicOf(openedAt);
    packBatch(batch, { openedAtMs, openedMonotonicMs, salt }, buffer);
    const ledger = this.#ledgerFor(run);
    const expectedMs = batch.lane.sizer.meanTaskMs * (run.indexes?.length ?? batch.count);
    const sentMonotonicMs = monotonicNow();
    const inFlight: RunInFlight = {
      batch,
      indexes: run.indexes,
      alone: run.alone ?? false,
      ledger,
      openedMonotonicMs,
      sentMonotonicMs,
      expectedMs,
      takenBack: 0,
      timedOut: 0,
    };
    this.#turns.begin(batch.lane, expectedMs);
    this.#inFlight.add(inFlight);
    this.#neighbours.begun();
    const { name, task } = batch.lane.queue;
    const avoid = this.#neighbours.heldUp;
    executor
      .run({ buffer, ledger: ledger.shared, queue: name, defaultTask: task, avoid })
      .then(
        (answer) => this.#answered(inFlight, answer, takenBytes),
        (error: unknown) => this.#broke(inFlight, error, takenBytes),
      )
      .catch(this.#parts.failed);
  }

  #answered(run: RunInFlight, answer: ArrayBuffer, takenBytes: number): void {
    const outcomes = readOutcomes(answer);
    this.#parts.buffers.give(takenBytes, answer);
    this.#left(run);
    if (run.takenBack === 0) run.batch.lane.turnaround.add(monotonicNow() - run.sentMonotonicMs);
    this.#turns.end(run.batch.lane, run.expectedMs, outcomes.busyMs);
    this.#parts.complete(run, outcomes);
    this.#ledgers.push(run.ledger);
    this.#parts.ended();
  }

  #broke(run: RunInFlight, error: unknown, takenBytes: number): void {
    const death = this.#deathOf(run);
    this.#parts.buffers.give(takenBytes, undefined);
    this.#left(run);
    this.#turns.end(run.batch.lane, run.expectedMs, busyUntilDeath(run));
    this.#parts.broken(run, error, death);
    this.#ledgers.push(run.ledger);
    this.#parts.ended();
  }

  #left(run: RunInFlight): void {
    this.#inFlight.delete(run);
    this.#neighbours.ended(run);
  }

  /** A thread's death ends all its runs: what was going on is looked at once, when the first of them ends. */
  #deathOf({ ledger: { threadId } }: RunInFlight): ThreadDeath {
    const known = this.#deaths.get(threadId);
    if (known !== undefined) return known;
    const death = lookAtThread(this.#inFlight, threadId);
    if (threadId === 0) return death; // no thread had taken it
    this.#parts.tally.threadDeaths++;
    this.#deaths.set(threadId, death);
    return death;
  }

  #ledgerFor(run: Run): Ledger {
    const ledger = this.#ledgers.pop() ?? Ledger.allocate(LEDGER_TASKS);
    ledger.reset(run.batch.count);
    if (run.indexes !== undefined) {
      const wanted = new Set(run.indexes);
      for (let index = 0; index < run.batch.count; index++) if (!wanted.has(index)) ledger.set(index, TAKEN_BACK);
    }
    return ledger;
  }

  /** A part-filled batch goes out when it is old, though nothing else happens. */
  #watchAge(): void {
    if (this.#ageTimer !== undefined) return;
    if (!this.#parts.lanes.some((lane) => lane.batcher.messages > 0 && !lane.sizer.longTasks)) return;
    this.#ageTimer = setTimeout(this.#pumpNow, Math.max(1, this.#parts.options.maxAgeMs));
  }
}
