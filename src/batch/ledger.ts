/**
 * The ledger of one batch in flight: a SharedArrayBuffer that main thread and thread both see while the batch runs.
 *
 *     word 0   threadId of the thread that took the batch, 0 before
 *     word 1   MiB of heap that the thread uses, as last looked; 0 before
 *     word 2   1 while the thread is in the loop that begins the batch's tasks: until then nothing else runs in it
 *     word 3   threadId of the thread that the batch was sent to, 0 where that is not known
 *     words 4 … 4 + capacity              state of each task
 *     words 4 + capacity … 4 + 2 cap.     start of each task, ms since the batch was opened (32 bits)
 *     words 4 + 2 cap. … 4 + 3 cap.       last moment of each task, in the same ms; 0: it has none
 *
 * A state moves only by compare-and-exchange, so the two threads never disagree about who has a task:
 *
 *     waiting ──▶ running ──▶ writing ──▶ done      handler returned effects: they are stored when it is done
 *        │           ├─────────────────▶ done      handler returned no effect
 *        │           ├────────▶ other ◀── writing   anything but success: the outcome is in the answer, not here
 *        │           └────────▶ timed-out           by the main thread: past its last moment, its thread is ended
 *        └──▶ taken-back ◀── done                   by the main thread: never begun here, to run elsewhere; or done,
 *                                                   and settled before the batch has ended
 *
 * What it pays for: a thread's death costs an attempt only to the task that was running; tasks not begun can be taken
 * back when a neighbour turns out long, and those done acked; a deadline can be watched from outside; a task that is
 * writing can no longer be timed out. About 0.05 µs a task.
 */
export const LEDGER_HEADER_WORDS = 4;
export const LEDGER_THREAD_ID = 0;
export const LEDGER_HEAP_MIB = 1;
export const LEDGER_BEGINNING = 2;
export const LEDGER_ASSIGNED = 3;

export const WAITING = 0;
export const RUNNING = 1;
export const WRITING = 2;
export const DONE = 3;
export const TAKEN_BACK = 4;
export const OTHER = 5;
export const TIMED_OUT = 6;
export type LedgerState =
  | typeof WAITING
  | typeof RUNNING
  | typeof WRITING
  | typeof DONE
  | typeof TAKEN_BACK
  | typeof OTHER
  | typeof TIMED_OUT;

export class Ledger {
  readonly shared: SharedArrayBuffer;
  readonly capacity: number;
  readonly #words: Int32Array;

  /** @param shared - from `Ledger.allocate`, in this thread or another */
  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#words = new Int32Array(shared);
    this.capacity = (this.#words.length - LEDGER_HEADER_WORDS) / 3;
  }

  static allocate(capacity: number): Ledger {
    return new Ledger(new SharedArrayBuffer((LEDGER_HEADER_WORDS + 3 * capacity) * 4));
  }

  /**
   * Makes it ready for a batch of so many tasks. Only while no thread has it. The stamps stay: each task's are set before
   * it is running, and looked at only from then on. Clearing all words took 12 µs a batch and the core's whole cache.
   */
  reset(tasks: number): void {
    this.#words.fill(0, 0, LEDGER_HEADER_WORDS + tasks);
  }

  get threadId(): number {
    return Atomics.load(this.#words, LEDGER_THREAD_ID);
  }

  set threadId(threadId: number) {
    Atomics.store(this.#words, LEDGER_THREAD_ID, threadId);
  }

  get heapMiB(): number {
    return Atomics.load(this.#words, LEDGER_HEAP_MIB);
  }

  set heapMiB(heapMiB: number) {
    Atomics.store(this.#words, LEDGER_HEAP_MIB, heapMiB);
  }

  /** True while the thread begins the batch's tasks, one after another: what does not return then holds it up. */
  get beginning(): boolean {
    return Atomics.load(this.#words, LEDGER_BEGINNING) === 1;
  }

  set beginning(beginning: boolean) {
    Atomics.store(this.#words, LEDGER_BEGINNING, beginning ? 1 : 0);
  }

  /** Set when the batch is sent, so before the thread has it. */
  get assignedTo(): number {
    return Atomics.load(this.#words, LEDGER_ASSIGNED);
  }

  set assignedTo(threadId: number) {
    Atomics.store(this.#words, LEDGER_ASSIGNED, threadId);
  }

  state(index: number): LedgerState {
    return Atomics.load(this.#words, LEDGER_HEADER_WORDS + index) as LedgerState;
  }

  isTakenBack(index: number): boolean {
    return this.state(index) === TAKEN_BACK;
  }

  /** Moves one task; false when it was not in `from` any more. */
  move(index: number, from: LedgerState, to: LedgerState): boolean {
    return Atomics.compareExchange(this.#words, LEDGER_HEADER_WORDS + index, from, to) === from;
  }

  /** Sets a state while no thread has the batch: for running part of it again. */
  set(index: number, state: LedgerState): void {
    Atomics.store(this.#words, LEDGER_HEADER_WORDS + index, state);
  }

  /** @param atMs - ms since the batch header's monotonic time */
  stampStart(index: number, atMs: number): void {
    this.#words[LEDGER_HEADER_WORDS + this.capacity + index] = atMs;
  }

  startedAtMs(index: number): number {
    return this.#words[LEDGER_HEADER_WORDS + this.capacity + index] ?? 0;
  }

  /** The task's thread is ended after this moment. @param atMs - as in `stampStart`, above 0 */
  stampLastMoment(index: number, atMs: number): void {
    this.#words[LEDGER_HEADER_WORDS + 2 * this.capacity + index] = atMs;
  }

  /** 0: it has none. */
  lastMomentMs(index: number): number {
    return this.#words[LEDGER_HEADER_WORDS + 2 * this.capacity + index] ?? 0;
  }

  /** Indexes of the first `count` tasks that are in `state`. */
  indexesIn(state: LedgerState, count: number): number[] {
    const found: number[] = [];
    for (let index = 0; index < count; index++) if (this.state(index) === state) found.push(index);
    return found;
  }
}
