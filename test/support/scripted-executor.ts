import {
  HEADER_BYTES,
  HEADER_COUNT,
  RECORD_GAP,
  RECORD_HEADER_BYTES,
  recordBytes,
} from '../../src/batch/batch-layout.ts';
import { DONE, Ledger, OTHER, RUNNING, WAITING, WRITING } from '../../src/batch/ledger.ts';
import { type PackedOutcome, packOutcomes } from '../../src/batch/outcome-packer.ts';
import { RuntimeError } from '../../src/errors/runtime-error.ts';
import type { BatchRequest, Executor, TaskDescription, ThreadLoad } from '../../src/executor/executor.ts';

/** One message as a script sees it. */
export interface ScriptedMessage {
  readonly body: string;
  /** Times that this body has been run, this one included. */
  readonly nth: number;
}

/**
 * What a message does: ends well (at once, or when its batch is written), kills its thread (at once, or when its batch is being written), never ends (until its thread is ended), leaves the store's answer
 * unknown, or ends with an outcome.
 */
export type ScriptedEnd =
  | 'succeed'
  | 'write'
  | 'fail'
  | 'die'
  | 'die-writing'
  | 'loop'
  | 'unknown'
  | Omit<PackedOutcome, 'index'>;

/** Last moment of a task that loops, ms after its batch was opened: long past when anybody looks. */
const LAST_MOMENT_MS = 1;

/**
 * An executor whose tasks do what a script says, without threads: so that tests can make a thread die at an exact
 * message. A run waits for `release` while the executor is held.
 */
export class ScriptedExecutor implements Executor {
  readonly kind = 'scripted';
  readonly threads: number;
  /** Bodies in the order in which they were run. */
  readonly ran: string[] = [];
  aborted = false;
  /** Threads that were ended from outside, and why. */
  readonly terminated: { threadId: number; reason: string }[] = [];
  readonly #looping = new Map<number, (error: RuntimeError) => void>();
  readonly #seen = new Map<string, number>();
  /** Of the one task there is. */
  description: Omit<TaskDescription, 'name'> = {
    kind: 'task',
    concurrency: 1,
    queue: undefined,
    retry: undefined,
    timeoutMs: 40,
    expiredQueue: undefined,
  };
  /** Changes with each death, as a real thread's id does. */
  #threadId = 1;
  #held: Promise<void> | undefined;
  #release: () => void = () => {};
  readonly #script: (message: ScriptedMessage) => ScriptedEnd;

  constructor(threads: number, script: (message: ScriptedMessage) => ScriptedEnd) {
    this.threads = threads;
    this.#script = script;
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  tasks(): readonly TaskDescription[] {
    return [{ ...this.description, name: 'scripted' }];
  }

  terminate(threadId: number, reason: string): void {
    this.terminated.push({ threadId, reason });
    this.#looping.get(threadId)?.(new RuntimeError('E_THREAD_DIED', reason));
    this.#looping.delete(threadId);
  }

  load(): ThreadLoad {
    return { busyMs: 0, aliveMs: 0 };
  }

  abort(): void {
    this.aborted = true;
  }

  /** Lets no run begin until `release`. */
  hold(): void {
    this.#held = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#held = undefined;
    this.#release();
  }

  async run(request: BatchRequest): Promise<ArrayBuffer> {
    const buffer = structuredClone(request.buffer, { transfer: [request.buffer] });
    const ledger = new Ledger(request.ledger);
    await this.#held;
    await new Promise((resolve) => setImmediate(resolve));
    ledger.threadId = this.#threadId;
    const others: PackedOutcome[] = [];
    let count = 0;
    const writing: number[] = [];
    let dies = false;
    for (const [index, body] of readBodies(buffer).entries()) {
      if (!ledger.move(index, WAITING, RUNNING)) continue;
      this.ran.push(body);
      count++;
      const end = this.#script({ body, nth: this.#count(body) });
      if (end === 'die') {
        this.#threadId++;
        throw new RuntimeError('E_THREAD_DIED', 'the script killed the thread');
      }
      if (end === 'loop') {
        ledger.stampLastMoment(index, LAST_MOMENT_MS);
        const threadId = this.#threadId++;
        return await new Promise((_, reject) => this.#looping.set(threadId, reject));
      }
      if (end === 'succeed') ledger.move(index, RUNNING, DONE);
      else if (end === 'write' || end === 'die-writing') {
        ledger.move(index, RUNNING, WRITING);
        writing.push(index);
        dies ||= end === 'die-writing';
      } else {
        ledger.move(index, RUNNING, OTHER);
        others.push({ index, ...outcomeOf(end) });
      }
    }
    if (dies) {
      this.#threadId++;
      throw new RuntimeError('E_THREAD_DIED', 'the script killed the thread while it wrote');
    }
    for (const index of writing) ledger.move(index, WRITING, DONE);
    return packOutcomes({ count, others, busyMs: 0.001 * count, withoutId: 0, handlerCalls: count }, buffer);
  }

  #count(body: string): number {
    const nth = (this.#seen.get(body) ?? 0) + 1;
    this.#seen.set(body, nth);
    return nth;
  }
}

function outcomeOf(
  end: Exclude<ScriptedEnd, 'succeed' | 'write' | 'die' | 'die-writing' | 'loop'>,
): Omit<PackedOutcome, 'index'> {
  if (typeof end === 'object') return end;
  const [kind, code] =
    end === 'fail' ? (['failed', 'E_TASK_FAILED'] as const) : (['unknown', 'E_STORE_UNKNOWN'] as const);
  return { kind, error: { name: 'Error', code, message: `scripted: ${end}` } };
}

function readBodies(buffer: ArrayBuffer): string[] {
  const view = new DataView(buffer);
  const bodies: string[] = [];
  let at = HEADER_BYTES;
  for (let n = 0; n < view.getUint32(HEADER_COUNT, true); n++) {
    const propertiesBytes = view.getUint32(at, true);
    const bodyBytes = view.getUint32(at + 4, true);
    const gap = view.getUint16(at + RECORD_GAP, true);
    const bodyStart = at + RECORD_HEADER_BYTES + propertiesBytes + gap;
    bodies.push(Buffer.from(buffer, bodyStart, bodyBytes).toString());
    at += recordBytes(propertiesBytes + gap + bodyBytes);
  }
  return bodies;
}
