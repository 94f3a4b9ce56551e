/** Counts what a publisher left in a queue, message by message: each id once, each body as it was to be. */
import { checksumOf } from './checksum.ts';
import type { HandledSummary } from './handled-ledger.ts';
import { indexOf, type Signature } from './message-source.ts';

export class QueueTally {
  readonly #seed: number;
  readonly #seen: Uint8Array;
  #calls = 0;
  #distinct = 0;
  #foreign = 0;
  #checksum = 0;

  constructor(seed: number, messages: number) {
    this.#seed = seed;
    this.#seen = new Uint8Array(messages);
  }

  /** A body that is no payload of the run's counts as foreign. */
  take(body: string): void {
    this.#calls++;
    const signature = payloadIn(body);
    const index = indexOf(this.#seed, signature?.UUID);
    if (signature === undefined || index < 0 || index >= this.#seen.length) {
      this.#foreign++;
      return;
    }
    this.#checksum = (this.#checksum + checksumOf(signature)) >>> 0;
    if (this.#seen[index] === 0) this.#distinct++;
    this.#seen[index] = 1;
  }

  get taken(): number {
    return this.#calls;
  }

  /** As what handlers were given, so that both are judged by the same rules (verdict.ts). */
  summary(): HandledSummary {
    return {
      calls: this.#calls,
      distinct: this.#distinct,
      foreign: this.#foreign,
      checksum: this.#checksum,
    };
  }
}

function payloadIn(body: string): Signature | undefined {
  try {
    const value: unknown = JSON.parse(body);
    const whole = typeof value === 'object' && value !== null && Array.isArray((value as Partial<Signature>).Args);
    return whole ? (value as Signature) : undefined;
  } catch {
    return undefined; // not JSON: nothing of ours
  }
}
