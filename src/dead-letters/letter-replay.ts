import type { OutgoingMessage, Publisher } from '../broker/broker.ts';
import { isRuntimeError } from '../errors/runtime-error.ts';
import type { FoundLetter, LetterScan } from './letter-scan.ts';
import type { LetterTally } from './letter-tally.ts';
import { replayedMessage } from './replayed-message.ts';

export interface ReplaySettings {
  readonly to: string | undefined;
  readonly dryRun: boolean;
  readonly signal: AbortSignal | undefined;
  readonly publisher: () => Promise<Publisher>;
}

/** Unconfirmed messages at once. */
export const REPLAY_WINDOW = 500;
/** Bytes of unconfirmed messages at once; one message may be larger. */
const WINDOW_BYTES = 32 * 1024 * 1024;
/** Time that confirms on their way have after an abort. */
const ABORT_GRACE_MS = 5_000;
/** What is wrong with one message and not with the next. */
const REFUSALS = ['E_MESSAGE_MALFORMED', 'E_MESSAGE_TOO_LARGE'];

/**
 * Sends the letters of a scan again, pipelined. Each is published, confirmed by the broker, and only then removed from
 * the dead-letter queue: a crash between the two leaves it in both places, with the same id, and never in none.
 *
 *     scan ──▶ published, at most 500 or 32 MiB unconfirmed ──confirmed──▶ removed
 *                                                           └─anything else──▶ kept
 *
 * A letter that cannot be sent (no such queue, properties that nobody can read) is refused and kept; a queue that takes
 * no more, or a lost connection, ends the replay. After an abort nothing new is sent, and what was sent has five seconds
 * to be confirmed.
 */
export class LetterReplay {
  readonly #scan: LetterScan;
  readonly #tally: LetterTally;
  readonly #settings: ReplaySettings;
  readonly #inFlight = new Set<FoundLetter>();
  #bytes = 0;
  #over = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(scan: LetterScan, tally: LetterTally, settings: ReplaySettings) {
    this.#scan = scan;
    this.#tally = tally;
    this.#settings = settings;
  }

  /** Resolves when all that was sent is settled. Rejects with what ended it early, also when all that was sent is settled. */
  async run(): Promise<void> {
    const wake = (): void => this.#wake?.();
    this.#settings.signal?.addEventListener('abort', wake);
    try {
      await this.#sendAll();
    } catch (error) {
      this.#failure ??= error;
    } finally {
      await this.#settleAll();
      this.#settings.signal?.removeEventListener('abort', wake);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #sendAll(): Promise<void> {
    while (this.#failure === undefined) {
      const found = await this.#scan.next();
      if (found === undefined) return;
      this.#tally.found(found);
      const { message, refusal } = replayedMessage(found.letter, this.#settings.to, Date.now());
      if (refusal !== undefined) this.#refuse(found, refusal);
      else if (this.#settings.dryRun) this.#pretend(found, message);
      else await this.#sendInTurn(found, message);
    }
  }

  async #sendInTurn(found: FoundLetter, message: OutgoingMessage): Promise<void> {
    const publisher = await this.#settings.publisher();
    while (this.#isFull()) await this.#changed();
    if (this.#settings.signal?.aborted === true || this.#failure !== undefined) this.#scan.keep(found);
    else void this.#send(publisher, found, message); // never rejects
  }

  async #send(publisher: Publisher, found: FoundLetter, message: OutgoingMessage): Promise<void> {
    this.#inFlight.add(found);
    this.#bytes += message.body.length;
    let failure: unknown;
    try {
      await publisher.publish(message);
    } catch (error) {
      failure = error;
    }
    if (this.#over) return; // the scan is closed: counted as doubtful
    this.#inFlight.delete(found);
    this.#bytes -= message.body.length;
    if (failure === undefined) {
      if (this.#scan.remove(found)) this.#tally.replayed(message.routingKey);
      else this.#tally.doubtful++;
    } else this.#notSent(found, message, failure);
    this.#wake?.();
  }

  #notSent(found: FoundLetter, message: OutgoingMessage, error: unknown): void {
    if (isRuntimeError(error, 'E_PUBLISH_UNROUTABLE'))
      this.#refuse(found, `there is no queue '${message.routingKey}'; --to names another one`);
    else if (isRuntimeError(error) && REFUSALS.includes(error.code)) this.#refuse(found, error.message);
    else {
      this.#scan.keep(found);
      if (isRuntimeError(error, 'E_PUBLISH_UNCONFIRMED')) this.#tally.doubtful++;
      this.#failure ??= error;
    }
  }

  #refuse(found: FoundLetter, reason: string): void {
    this.#scan.keep(found);
    this.#tally.refused(found, reason);
  }

  #pretend(found: FoundLetter, message: OutgoingMessage): void {
    this.#scan.keep(found);
    this.#tally.replayed(message.routingKey);
  }

  /** No room for one more, as long as it makes sense to wait for it. */
  #isFull(): boolean {
    if (this.#settings.signal?.aborted === true || this.#failure !== undefined) return false;
    return this.#inFlight.size >= REPLAY_WINDOW || this.#bytes >= WINDOW_BYTES;
  }

  async #settleAll(): Promise<void> {
    while (this.#inFlight.size > 0 && this.#settings.signal?.aborted !== true) await this.#changed();
    const deadline = performance.now() + ABORT_GRACE_MS;
    while (this.#inFlight.size > 0 && performance.now() < deadline) await this.#changed(deadline - performance.now());
    this.#over = true;
    this.#tally.doubtful += this.#inFlight.size;
    for (const found of this.#inFlight) this.#scan.keep(found);
  }

  /** Resolves when a letter is settled, the signal aborts, or the time is over. */
  async #changed(withinMs?: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (withinMs !== undefined) timer = setTimeout(resolve, withinMs);
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }
}

/** Removes the letters of a scan for good. */
export async function dropLetters(scan: LetterScan, tally: LetterTally, dryRun: boolean): Promise<void> {
  for (let found = await scan.next(); found !== undefined; found = await scan.next()) {
    tally.found(found);
    tally.dropped();
    if (dryRun) scan.keep(found);
    else scan.remove(found);
  }
}
