import {
  HEADER_BYTES,
  HEADER_COUNT,
  RECORD_GAP,
  RECORD_HEADER_BYTES,
  RECORD_RERUNS,
  recordBytes,
} from '../../src/batch/batch-layout.ts';
import { DONE, Ledger, OTHER, RUNNING, WAITING } from '../../src/batch/ledger.ts';
import { type PackedOutcome, packOutcomes } from '../../src/batch/outcome-packer.ts';
import { RuntimeError } from '../../src/errors/runtime-error.ts';
import type { BatchRequest, Executor, TaskDescription } from '../../src/executor/executor.ts';

/** One message as a script sees it. */
export interface ScriptedMessage {
  readonly body: string;
  readonly reruns: number;
}

/** What a message does: ends well, fails, kills its thread, or leaves the store's answer unknown. */
export type ScriptedEnd = 'succeed' | 'fail' | 'die' | 'unknown';

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
    return [{ name: 'scripted', kind: 'task', concurrency: 1, queue: undefined }];
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
    for (const [index, message] of readMessages(buffer).entries()) {
      if (!ledger.move(index, WAITING, RUNNING)) continue;
      this.ran.push(message.body);
      count++;
      const end = this.#script(message);
      if (end === 'die') {
        this.#threadId++;
        throw new RuntimeError('E_THREAD_DIED', 'the script killed the thread');
      }
      if (end === 'succeed') ledger.move(index, RUNNING, DONE);
      else {
        ledger.move(index, RUNNING, OTHER);
        const code = end === 'fail' ? 'E_TASK_FAILED' : 'E_STORE_UNKNOWN';
        others.push({
          index,
          kind: end === 'fail' ? 'failed' : 'unknown',
          error: { name: 'Error', code, message: `scripted: ${end}` },
        });
      }
    }
    return packOutcomes({ count, others, busyMs: 0.001 * count, withoutId: 0, handlerCalls: count }, buffer);
  }
}

function readMessages(buffer: ArrayBuffer): ScriptedMessage[] {
  const view = new DataView(buffer);
  const messages: ScriptedMessage[] = [];
  let at = HEADER_BYTES;
  for (let n = 0; n < view.getUint32(HEADER_COUNT, true); n++) {
    const propertiesBytes = view.getUint32(at, true);
    const bodyBytes = view.getUint32(at + 4, true);
    const gap = view.getUint16(at + RECORD_GAP, true);
    const bodyStart = at + RECORD_HEADER_BYTES + propertiesBytes + gap;
    const body = Buffer.from(buffer, bodyStart, bodyBytes).toString();
    messages.push({ body, reruns: view.getUint16(at + RECORD_RERUNS, true) });
    at += recordBytes(propertiesBytes + gap + bodyBytes);
  }
  return messages;
}
