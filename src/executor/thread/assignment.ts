import { type Piscina, queueOptionsSymbol } from 'piscina';
import { LEDGER_ASSIGNED, LEDGER_HEAP_MIB, LEDGER_THREAD_ID } from '../../batch/ledger.ts';

/** One that computes, one that waits for its bulk write. */
export const BATCHES_PER_THREAD = 2;

/** A run and the thread that the pool gave it to. */
export interface Assignment {
  /** Undefined while it waits for a thread. */
  threadId: number | undefined;
  /** The ledger of its batch; undefined when it is no batch. */
  readonly ledger: SharedArrayBuffer | undefined;
  /** Threads that are taken only where no other has room. */
  readonly avoid?: ReadonlySet<number> | undefined;
}

/** True when the thread has read the batch, and so had started well. */
export function hasBegun({ ledger }: Assignment): boolean {
  return ledger !== undefined && Atomics.load(new Int32Array(ledger), LEDGER_THREAD_ID) !== 0;
}

/** Heap of its thread, MiB, as the thread last looked; 0 when it has not. */
export function heapMiBOf({ ledger }: Assignment): number {
  return ledger === undefined ? 0 : Atomics.load(new Int32Array(ledger), LEDGER_HEAP_MIB);
}

/** Derived from the pool's options, because piscina does not export it. */
type LoadBalancer = NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>['loadBalancer']>;

/** The pool hands what is under its symbol to the balancer; symbol keys are not sent to the thread. */
export function withAssignment<T extends object>(request: T, assignment: Assignment): T {
  return Object.defineProperty(request, queueOptionsSymbol, { value: assignment });
}

/**
 * Gives a run to the thread with the fewest, of those that it is not to avoid, and notes which, also in its ledger: when a
 * run breaks, the pool itself does not say which thread had it, and the thread says so only if it came as far as reading
 * the batch.
 * @param mayTake - false for threads that are to get no more runs
 */
export function assignmentBalancer(mayTake: (threadId: number) => boolean): LoadBalancer {
  return (task, threads) => {
    const assignment = task[queueOptionsSymbol] as Assignment | null;
    let chosen: (typeof threads)[number] | null = null;
    let fewest = Number.POSITIVE_INFINITY;
    for (const thread of threads) {
      const usage = thread.currentUsage;
      if (usage >= BATCHES_PER_THREAD || !mayTake(thread.id)) continue;
      const cost = usage + (assignment?.avoid?.has(thread.id) === true ? BATCHES_PER_THREAD : 0);
      if (cost >= fewest) continue;
      chosen = thread;
      fewest = cost;
    }
    if (assignment !== null) noteThread(assignment, chosen?.id);
    return chosen;
  };
}

function noteThread(assignment: Assignment, threadId: number | undefined): void {
  assignment.threadId = threadId;
  const { ledger } = assignment;
  if (ledger !== undefined && threadId !== undefined) {
    Atomics.store(new Int32Array(ledger), LEDGER_ASSIGNED, threadId);
  }
}
