import type { Broker, Publisher } from '../broker/broker.ts';
import { boolean, type Check, group, integer, optional, refuse, text } from '../config/option-checks.ts';
import { RuntimeError } from '../errors/runtime-error.ts';
import type { DeadLetter } from './dead-letter.ts';
import { type DeadLetterFilter, idsOf, letterMatch } from './letter-filter.ts';
import { dropLetters, LetterReplay, REPLAY_WINDOW } from './letter-replay.ts';
import { type FoundLetter, LetterScan } from './letter-scan.ts';
import { type DeadLetterProgress, type DeadLetterSummary, LetterTally } from './letter-tally.ts';

export interface ListLettersOptions {
  /**
   * Letters at most.
   * @defaultValue `100`
   * @remarks 1 to 2^53 - 1, otherwise `E_OPTION_RANGE`.
   */
  readonly limit?: number;
  /**
   * Ends the listing.
   * @defaultValue none
   */
  readonly signal?: AbortSignal;
}

export interface DropLettersOptions {
  /**
   * Letters at most.
   * @defaultValue all
   * @remarks 1 to 2^53 - 1, otherwise `E_OPTION_RANGE`.
   */
  readonly limit?: number;
  /**
   * Only count what would be done.
   * @defaultValue `false`
   */
  readonly dryRun?: boolean;
  /**
   * Ends it early: what was done stays done, the rest stays where it is, and the summary says so.
   * @defaultValue none
   */
  readonly signal?: AbortSignal;
  /**
   * Told how far it is, often. Must not throw.
   * @defaultValue none
   */
  readonly onProgress?: (progress: DeadLetterProgress) => void;
}

export interface ReplayLettersOptions extends DropLettersOptions {
  /**
   * Where the messages go.
   * @defaultValue the queue that each came from
   * @remarks It must exist, otherwise `E_BROKER_QUEUE_MISSING`; not the dead-letter queue itself, `E_OPTION_RANGE`.
   */
  readonly to?: string;
}

const DEFAULT_LIST = 100;
const checkLimit = optional(integer(1, Number.MAX_SAFE_INTEGER));
const checkSignal: Check = (value, path) => {
  if (!(value instanceof AbortSignal)) refuse('E_OPTION_TYPE', path, value, 'an AbortSignal');
};
const checkFunction: Check = (value, path) => {
  if (typeof value !== 'function') refuse('E_OPTION_TYPE', path, value, 'a function');
};
const listFields = { limit: checkLimit, signal: optional(checkSignal) };
const dropFields = { ...listFields, dryRun: optional(boolean), onProgress: optional(checkFunction) };
const checkList = group(listFields);
const checkDrop = group(dropFields);
const checkReplay = group({ ...dropFields, to: optional(text(1, 255)) });

/** What the queue is opened with, by the composition root. */
export interface DeadLetterQueueParts {
  /** Started, and used for nothing else: its connection is paused while more is found than is taken. */
  readonly broker: Broker;
  readonly queue: string;
  readonly deadQueue: string;
  /** Closes what was opened for this alone. */
  readonly release: () => Promise<void>;
}

/**
 * The dead letters of one queue: list, replay, drop. One operation at a time; a second one meanwhile is E_STATE.
 *
 * RabbitMQ cannot be asked what is in a queue, so every operation takes the letters, one after another, and returns
 * those that it did not remove (LetterScan). Until it has ended, they are not there for anybody else.
 */
export class DeadLetterQueue implements AsyncDisposable {
  readonly queue: string;
  readonly deadQueue: string;
  readonly #parts: DeadLetterQueueParts;
  #publisher: Promise<Publisher> | undefined;
  #busy = false;
  #closing: Promise<void> | undefined;

  constructor(parts: DeadLetterQueueParts) {
    this.#parts = parts;
    this.queue = parts.queue;
    this.deadQueue = parts.deadQueue;
  }

  /** Letters in the dead-letter queue that nobody is looking at. */
  count(): Promise<number> {
    return this.#parts.broker.readyCount(this.deadQueue);
  }

  /** The letters that the filter means, from the front of the queue. They are returned when the loop over them ends. */
  async *list(filter: DeadLetterFilter = {}, options: ListLettersOptions = {}): AsyncGenerator<DeadLetter, void, void> {
    checkList(options, 'options');
    const scan = this.#scan(filter, { limit: DEFAULT_LIST, ...options }, () => {});
    let found: FoundLetter | undefined;
    try {
      for (found = await scan.next(); found !== undefined; found = await scan.next()) {
        yield found.letter;
        scan.keep(found);
        found = undefined;
      }
    } finally {
      if (found !== undefined) scan.keep(found); // the loop was left at it
      await this.#end(scan);
    }
  }

  /** The first letter with this id; undefined when there is none. */
  async find(id: string): Promise<DeadLetter | undefined> {
    for await (const letter of this.list({ id }, { limit: 1 })) return letter;
    return undefined;
  }

  /**
   * Sends letters again, each published and confirmed before it leaves the dead-letter queue. A crash in between leaves
   * a letter in both places, with the same id, so effects made through the runtime apply once.
   * Rejects with E_DEAD_LETTERS_INCOMPLETE when it could not go on; `error.details.summary` says how far it came.
   */
  async replay(filter: DeadLetterFilter = {}, options: ReplayLettersOptions = {}): Promise<DeadLetterSummary> {
    checkReplay(options, 'options');
    const { to, dryRun = false, signal } = options;
    if (to === this.deadQueue) refuse('E_OPTION_RANGE', 'options.to', to, 'a queue other than the dead-letter queue');
    if (to !== undefined) await this.#parts.broker.readyCount(to);
    const settings = { to, dryRun, signal, publisher: () => this.#openPublisher() };
    return await this.#handle(filter, options, (scan, tally) => new LetterReplay(scan, tally, settings).run());
  }

  /** Removes letters for good. Rejects as `replay` does. */
  async drop(filter: DeadLetterFilter = {}, options: DropLettersOptions = {}): Promise<DeadLetterSummary> {
    checkDrop(options, 'options');
    return await this.#handle(filter, options, (scan, tally) => dropLetters(scan, tally, options.dryRun === true));
  }

  /** Closes the connection, unless the broker was given. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #handle(
    filter: DeadLetterFilter,
    options: DropLettersOptions,
    work: (scan: LetterScan, tally: LetterTally) => Promise<void>,
  ): Promise<DeadLetterSummary> {
    const tally = new LetterTally(idsOf(filter));
    const { onProgress } = options;
    const looked = (): void => {
      const { seen, total, matched } = scan;
      onProgress?.({ seen, total, matched, handled: tally.handled });
    };
    const scan: LetterScan = this.#scan(filter, options, looked);
    let failure: unknown;
    try {
      await work(scan, tally);
    } catch (error) {
      failure = error;
    }
    try {
      if (tally.doubtful > 0) await this.#closePublisher(); // or what was given up would be sent later after all
      await this.#end(scan);
    } catch (error) {
      failure ??= error;
    }
    const summary = tally.summary(scan, { queue: this.queue, deadQueue: this.deadQueue }, options.dryRun === true);
    looked();
    if (failure === undefined) return summary;
    throw scan.seen === 0 ? failure : incomplete(summary, failure);
  }

  #scan(filter: DeadLetterFilter, options: ListLettersOptions, looked: () => void): LetterScan {
    const { queue, deadQueue, broker } = this.#parts;
    const match = letterMatch(filter, Date.now());
    if (this.#closing !== undefined) throw new RuntimeError('E_CLIENT_CLOSED', 'the dead letters are closed');
    if (this.#busy) throw new RuntimeError('E_STATE', `another look at the dead letters of '${queue}' is on: await it`);
    this.#busy = true;
    const { limit = Number.POSITIVE_INFINITY, signal } = options;
    const publisher = (): Promise<Publisher> => this.#openPublisher();
    return new LetterScan(broker, { deadQueue, home: queue, match, limit, signal, publisher, looked });
  }

  async #end(scan: LetterScan): Promise<void> {
    try {
      await scan.close();
    } finally {
      this.#busy = false;
    }
  }

  async #openPublisher(): Promise<Publisher> {
    this.#publisher ??= this.#parts.broker.publisher({ window: REPLAY_WINDOW });
    const opening = this.#publisher;
    try {
      return await opening;
    } catch (error) {
      if (this.#publisher === opening) this.#publisher = undefined; // the next call tries again
      throw error;
    }
  }

  async #closePublisher(): Promise<void> {
    const opening = this.#publisher;
    this.#publisher = undefined;
    const publisher = await opening?.catch(() => undefined); // told to whoever wanted to publish
    await publisher?.close();
  }

  async #close(): Promise<void> {
    await this.#closePublisher();
    await this.#parts.release();
  }
}

function incomplete(summary: DeadLetterSummary, cause: unknown): RuntimeError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const { handled, seen, deadQueue } = summary;
  return new RuntimeError(
    'E_DEAD_LETTERS_INCOMPLETE',
    `ended early, after ${seen} letters of '${deadQueue}' were looked at and ${handled} were handled: ${why}`,
    { details: { summary }, cause },
  );
}
