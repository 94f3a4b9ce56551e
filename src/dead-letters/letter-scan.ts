import { decodeProperties, type MessageProperties } from '../batch/message-properties.ts';
import type { Broker, Publisher, RawDelivery } from '../broker/broker.ts';
import { RuntimeError } from '../errors/runtime-error.ts';
import { Deque } from '../support/deque.ts';
import { type DeadLetter, readDeadLetter } from './dead-letter.ts';
import type { LetterMatch } from './letter-filter.ts';
import { ScanWindow, type WindowOwner } from './scan-window.ts';

/** What a scan needs of a broker. It pauses the connection while much is found, so the connection is its alone. */
export type ScanBroker = Pick<Broker, 'consume' | 'readyCount' | 'pause' | 'resume'>;

export interface ScanSettings {
  /** The dead-letter queue. */
  readonly deadQueue: string;
  /** The queue whose dead letters these are. */
  readonly home: string;
  readonly match: LetterMatch;
  /** Letters to find at most. */
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
  /** Opened only if a letter has to be renewed. */
  readonly publisher: () => Promise<Publisher>;
  /** Called when more has been looked at or removed. */
  readonly looked: () => void;
}

/** A letter that was asked for. It stays with the scan until it is removed or the scan closes. */
export interface FoundLetter {
  readonly letter: DeadLetter;
  readonly window: ScanWindow;
  readonly tag: number;
  /** As they are in the dead-letter queue, where they can be read. */
  readonly properties: MessageProperties | undefined;
}

/** Why a scan found no more. `complete`: it has looked at every letter that was there when it began. */
export type ScanEnding = 'complete' | 'limit' | 'aborted';

type ScanState = 'created' | 'reading' | 'ended' | 'failed' | 'closed';

const NEXT: Readonly<Record<ScanState, readonly ScanState[]>> = {
  created: ['reading', 'closed'],
  reading: ['ended', 'failed', 'closed'],
  ended: ['failed', 'closed'],
  failed: ['closed'],
  closed: [],
};

/** Queues of up to so many letters are always taken whole, because of their order. */
const TAKEN_WHOLE = 10_000;
const FIRST_PREFETCH = 1_000;
const LARGEST_PREFETCH = 65_535;
const GROWTH = 4;
/** Bytes of bodies found and not yet taken, or being renewed, at which reading pauses; it goes on at half of it. */
const FULL_BYTES = 16 * 1024 * 1024;
const IDLE_MS = 300;
/** Idle times in a row, with nothing ready in the queue, after which the rest is taken to be with other readers. */
const IDLE_TIMES = 10;
const LONGEST_RETURN_MS = 2_000;
/** Looks after which a letter is renewed: RabbitMQ 4 drops a message after 20 returns unless the queue says otherwise. */
const LOOKS_OF_A_LETTER = 15;

/**
 * Looks at every letter of a dead-letter queue once, from its front, and holds what it has seen until it closes, so that
 * nothing comes twice. Closing returns, in order, all that was not removed; nothing is ever dropped by being looked at.
 *
 *     queue   1 ……… 1,000 │ 1,001 ……… 5,000 │ 5,001 …      created → reading → ended → closed
 *             consumer 1    consumer 2        consumer 3       │         │ │     │       ▲
 *                                                              │         └─┴▶ failed ────┤
 *                                                              └─────────────────────────┘
 *
 * A consumer holds as many as its prefetch; when all of them are kept (not what is looked for), another one with four
 * times as many is opened. It ends after as many letters as were ready at its start: what comes later, a replayed letter
 * that died again for instance, is behind those and is not looked at. Where another reader takes some away, it ends when
 * the queue is empty.
 *
 * Quorum queues put what is returned behind what was returned before. Taken whole, letters keep their order, so queues of
 * up to 10,000 are, whatever the limit; of longer ones the first letters are behind the others after a look at those only.
 *
 * Quorum queues count each return. A letter that was returned 15 times is *renewed*: published again at the end of the
 * same queue, confirmed, and only then removed; a crash between the two leaves it there twice.
 *
 * Cost: the broker sends every letter once, a few µs each to read the headers; memory for what was found and not taken,
 * about 16 MiB and the largest body.
 */
export class LetterScan implements WindowOwner {
  readonly #broker: ScanBroker;
  readonly #settings: ScanSettings;
  readonly #windows: ScanWindow[] = [];
  readonly #found = new Deque<FoundLetter>();
  readonly #renewals = new Set<Promise<void>>();
  #state: ScanState = 'created';
  #failure: RuntimeError | undefined;
  #total = 0;
  #arrived = 0;
  #seen = 0;
  #matched = 0;
  #kept = 0;
  #gone = 0;
  #idleTimes = 0;
  #heldBytes = 0;
  #paused = false;
  #prefetched = 0;
  #cancelling: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  readonly #onAbort = (): void => this.#wake?.();

  constructor(broker: ScanBroker, settings: ScanSettings) {
    this.#broker = broker;
    this.#settings = settings;
  }

  /** Letters that were ready when it began. */
  get total(): number {
    return this.#total;
  }

  /** Letters looked at. */
  get seen(): number {
    return this.#seen;
  }

  get matched(): number {
    return this.#matched;
  }

  get ending(): ScanEnding {
    if (this.#settings.signal?.aborted === true) return 'aborted';
    return this.#matched >= this.#settings.limit && this.#seen < this.#total ? 'limit' : 'complete';
  }

  /** The next letter that matches; undefined when there is none, or when the signal aborts. Rejects when the connection or the queue is lost. */
  async next(): Promise<FoundLetter | undefined> {
    if (this.#state === 'created' && this.#settings.signal?.aborted !== true) await this.#start();
    while (this.#settings.signal?.aborted !== true) {
      if (this.#failure !== undefined) throw this.#failure;
      const found = this.#found.shift();
      if (found !== undefined) {
        this.#heldBytes -= found.letter.body.length;
        this.#resumeReading();
        return found;
      }
      if (this.#state === 'ended') return undefined;
      if (this.#isFull()) await this.#openWindow();
      else await this.#changed();
    }
    return undefined;
  }

  /** The letter is done with: it leaves the dead-letter queue. False when it has gone back there before. */
  remove({ window, tag }: FoundLetter): boolean {
    const removed = window.remove(tag);
    if (removed) this.#gone++;
    this.#settings.looked();
    return removed;
  }

  /** The letter stays: it returns to its place when the scan closes. */
  keep({ window, tag, properties, letter }: FoundLetter): void {
    this.#keep(window, tag, properties, () => letter.body);
    this.#wake?.();
  }

  /** Returns whatever was not removed. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const unheard = this.#failure === undefined;
    this.#move('closed');
    this.#settings.signal?.removeEventListener('abort', this.#onAbort);
    this.#wake?.();
    if (this.#paused) this.#broker.resume();
    for (let found = this.#found.shift(); found !== undefined; found = this.#found.shift()) this.keep(found);
    // All cancelled before the first is closed, or what one returns would come to the next.
    await this.#cancelling;
    await this.#cancelWindows();
    await Promise.all(this.#renewals);
    await this.#closeWindows();
    if (unheard && this.#failure !== undefined) throw this.#failure;
  }

  /** Called by a window for each delivery. */
  take(window: ScanWindow, delivery: RawDelivery): void {
    const { source, tag, redelivered, bodyStart, bodyEnd } = delivery;
    const looking = this.#state === 'reading';
    const properties = looking || redelivered ? readable(delivery) : undefined;
    const body = source.subarray(bodyStart, bodyEnd);
    if (looking && this.#look(window, tag, properties, body)) return;
    this.#keep(window, tag, properties, () => Uint8Array.from(body));
  }

  /** Called by a window when the broker ended it. */
  lost(reason: RuntimeError | undefined): void {
    this.#fail(
      reason ?? new RuntimeError('E_BROKER_CHANNEL_CLOSED', 'the dead-letter queue could not be read to its end'),
    );
  }

  /** Called by a window at the end of each read. */
  readEnded(): void {
    if (this.#heldBytes >= FULL_BYTES && !this.#paused && this.#state !== 'closed') {
      this.#paused = true;
      this.#broker.pause();
    }
    this.#settings.looked();
    this.#wake?.();
  }

  async #start(): Promise<void> {
    this.#move('reading');
    this.#settings.signal?.addEventListener('abort', this.#onAbort);
    this.#total = await this.#broker.readyCount(this.#settings.deadQueue);
    if (this.#total === 0) this.#move('ended');
    else await this.#openWindow();
  }

  /** True when the letter was found, false when it is to be kept. */
  #look(window: ScanWindow, tag: number, properties: MessageProperties | undefined, body: Buffer): boolean {
    const found = this.#matched < this.#settings.limit && this.#lookAt(window, tag, properties, body);
    const enough = this.#matched >= this.#settings.limit && this.#total > TAKEN_WHOLE;
    if (++this.#arrived >= this.#total || enough) this.#endReading();
    return found;
  }

  #lookAt(window: ScanWindow, tag: number, properties: MessageProperties | undefined, body: Buffer): boolean {
    const letter = readDeadLetter(properties, body, this.#settings.home);
    const matches = this.#settings.match(letter);
    this.#seen++;
    if (matches) {
      this.#matched++;
      this.#heldBytes += body.length;
      this.#found.push({ letter: { ...letter, body: Uint8Array.from(body) }, window, tag, properties });
    }
    return matches;
  }

  /** All that the windows may hold is held for good. Not before: two consumers with room would get letters out of order. */
  #isFull(): boolean {
    return this.#state === 'reading' && this.#kept >= this.#prefetched;
  }

  async #openWindow(): Promise<void> {
    const last = this.#windows.at(-1)?.prefetch;
    const first = this.#total <= TAKEN_WHOLE ? this.#total : Math.min(FIRST_PREFETCH, this.#settings.limit);
    const prefetch = Math.min(LARGEST_PREFETCH, last === undefined ? first : last * GROWTH);
    const window = new ScanWindow(this, prefetch);
    this.#windows.push(window);
    this.#prefetched += prefetch;
    await window.open(this.#broker, this.#settings.deadQueue);
  }

  /**
   * In the order in which they were opened: so the letters come back in theirs. A quorum queue takes back what a closed
   * channel held some ms after it has confirmed the close; whoever looks next would find letters missing or out of order,
   * so this waits until they are there.
   */
  async #closeWindows(): Promise<void> {
    const live = this.#failure === undefined && this.#windows.length > 0;
    const deadline = performance.now() + LONGEST_RETURN_MS;
    let expected = live ? await this.#broker.readyCount(this.#settings.deadQueue) : 0;
    for (const window of this.#windows) {
      expected += window.held;
      await window.close();
    }
    // What was sent to us and had not arrived was in no count.
    if (live) await this.#returned(Math.max(expected, this.#total - this.#gone), deadline);
  }

  /** Waits until so many are ready, though not for ever: another reader may take them first. */
  async #returned(expected: number, deadline: number): Promise<void> {
    for (let waitMs = 1; performance.now() < deadline; waitMs *= 2) {
      if ((await this.#broker.readyCount(this.#settings.deadQueue)) >= expected) return;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  #resumeReading(): void {
    if (!this.#paused || this.#heldBytes > FULL_BYTES / 2) return;
    this.#paused = false;
    this.#broker.resume();
  }

  /** Resolves when something has come, or the end is known. */
  async #changed(): Promise<void> {
    const arrived = this.#arrived;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, IDLE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
    if (this.#arrived !== arrived || this.#paused) this.#idleTimes = 0;
    else await this.#endIfEmpty();
  }

  /** Others may have taken letters that were there at the start: those never come. */
  async #endIfEmpty(): Promise<void> {
    if (this.#state !== 'reading') return;
    const ready = await this.#broker.readyCount(this.#settings.deadQueue);
    this.#idleTimes = ready === 0 ? this.#idleTimes + 1 : 0;
    if (this.#idleTimes >= IDLE_TIMES && this.#state === 'reading') this.#endReading();
  }

  /** Nothing more is wanted: cancelled at once, or each letter removed from now on would bring another one. */
  #endReading(): void {
    this.#move('ended');
    this.#cancelling = this.#cancelWindows();
  }

  async #cancelWindows(): Promise<void> {
    await Promise.all(this.#windows.map((window) => window.cancel()));
  }

  #keep(window: ScanWindow, tag: number, properties: MessageProperties | undefined, body: () => Uint8Array): void {
    if (isWorn(properties)) {
      this.#renew(window, tag, properties, body());
    } else {
      this.#kept++;
      window.keep(tag);
    }
  }

  #renew(window: ScanWindow, tag: number, properties: MessageProperties, body: Uint8Array): void {
    this.#heldBytes += body.length;
    const renewal = this.#publishAgain(properties, body)
      .then(
        () => void window.remove(tag),
        (error: unknown) => this.#fail(renewalError(this.#settings.deadQueue, error)),
      )
      .then(() => {
        this.#renewals.delete(renewal);
        this.#heldBytes -= body.length;
        this.#resumeReading();
      });
    this.#renewals.add(renewal);
  }

  async #publishAgain(properties: MessageProperties, body: Uint8Array): Promise<void> {
    const { userId: _publisher, ...rest } = properties;
    const { 'x-delivery-count': _looks, ...headers } = properties.headers ?? {};
    const publisher = await this.#settings.publisher();
    const again: MessageProperties = { ...rest, deliveryMode: 2, headers };
    await publisher.publish({ exchange: '', routingKey: this.#settings.deadQueue, properties: again, body });
  }

  #fail(error: RuntimeError): void {
    this.#failure ??= error;
    if (this.#state === 'reading' || this.#state === 'ended') this.#move('failed');
    this.#wake?.();
  }

  #move(to: ScanState): void {
    if (!NEXT[this.#state].includes(to))
      throw new RuntimeError('E_STATE', `a scan of dead letters cannot go from ${this.#state} to ${to}`);
    this.#state = to;
  }
}

function readable({ source, propertiesStart, propertiesEnd }: RawDelivery): MessageProperties | undefined {
  try {
    return decodeProperties(source, propertiesStart, propertiesEnd);
  } catch {
    return undefined; // the letter says so itself
  }
}

function isWorn(properties: MessageProperties | undefined): properties is MessageProperties {
  const looks = properties?.headers?.['x-delivery-count'];
  return typeof looks === 'number' && looks >= LOOKS_OF_A_LETTER;
}

function renewalError(queue: string, cause: unknown): RuntimeError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new RuntimeError(
    'E_PUBLISH_UNCONFIRMED',
    `a letter that was looked at ${LOOKS_OF_A_LETTER} times could not be put back into '${queue}' with its count at zero: ${why}`,
    { details: { queue }, cause },
  );
}
