import type { Address, OutgoingMessage, Publisher } from '../broker/broker.ts';
import { type Delays, isNotThere } from '../broker/delays.ts';
import { type QueueType, queueTopology, type Topology } from '../broker/topology.ts';
import { isRuntimeError, RuntimeError } from '../errors/runtime-error.ts';
import { toWireError } from '../errors/wire-error.ts';
import { uuidV7 } from '../support/uuid-v7.ts';
import type { TaskDefinition } from '../task/define-task.ts';
import { Room } from './room.ts';
import type { SendFailure, SendManyOptions, SendOptions } from './send-options.ts';
import { readTiming } from './send-timing.ts';
import { type TaskMessageParts, taskMessage } from './task-message.ts';

/** What a client works with, opened by the composition root. */
export interface ClientParts {
  readonly publisher: Publisher;
  /** As Broker.declare. */
  readonly declare: (topology: Topology) => Promise<void>;
  readonly delays: Delays;
  /** Closes what was opened for this client alone. */
  readonly release: () => Promise<void>;
}

/** All resolved. */
export interface ClientSettings {
  readonly window: number;
  readonly defaultQueue: string;
  readonly queueType: QueueType;
  readonly declare: boolean;
  readonly closeGraceMs: number;
}

type ClientState = 'open' | 'closing' | 'closed';

const NEXT = {
  open: ['closing'],
  closing: ['closed'],
  closed: [],
} as const satisfies Record<ClientState, readonly ClientState[]>;

const LONGEST_SHORT_STRING = 255;

/**
 * Sends messages to tasks. A call resolves when the broker has confirmed that it has the messages.
 *
 *     open ──close()──▶ closing: nothing new, what was begun is confirmed ──▶ closed
 *
 * At most `window` messages are unconfirmed at once, over all calls; the rest wait. While the broker is away or blocks
 * publishing, calls wait too. Each queue is declared once, with its dead-letter queue, unless it exists. The queues in
 * which delayed messages wait are declared with the first delayed message, unless they exist.
 */
export class Client implements AsyncDisposable {
  readonly #parts: ClientParts;
  readonly #settings: ClientSettings;
  readonly #declared = new Map<string, Promise<void>>();
  readonly #begun = new Set<Promise<unknown>>();
  #state: ClientState = 'open';
  #closing: Promise<void> | undefined;

  constructor(parts: ClientParts, settings: ClientSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /**
   * Sends one message; resolves with the task's id when the broker has confirmed it.
   *
   * A `Uint8Array` travels as it is and must stay unchanged until then; everything else travels as JSON.
   * Rejects with E_PUBLISH_UNROUTABLE, E_PUBLISH_NACKED, E_PUBLISH_UNCONFIRMED (it may be there: send it again with
   * the same `id`), E_PAYLOAD_UNENCODABLE, E_MESSAGE_MALFORMED, E_MESSAGE_TOO_LARGE, E_OPTION_RANGE or E_CLIENT_CLOSED.
   */
  send<Payload>(task: TaskDefinition<Payload>, payload: NoInfer<Payload>, options?: SendOptions): Promise<string>;
  /** The same to a task known by its name only: the payload is not checked. */
  send(task: string, payload: unknown, options?: SendOptions): Promise<string>;
  send<Payload>(task: TaskDefinition<Payload> | string, payload: unknown, options: SendOptions = {}): Promise<string> {
    return this.#begin(() => this.#sendOne(task, payload, options));
  }

  /**
   * Sends a message for each payload, pipelined; resolves with their ids, in order, when all are confirmed.
   * `payloads` is read only as fast as confirms come, so a generator may stand for more than fits in memory.
   *
   * When some are not confirmed the others still are, and the call rejects with E_SEND_INCOMPLETE:
   * `error.details.failures` says for each of them its index, id, code and message (`SendFailure`), `error.details.ids`
   * the ids of all, in the order of the payloads. Once `close` has given up on it, the rest of `payloads` is not read.
   */
  sendMany<Payload>(
    task: TaskDefinition<Payload>,
    payloads: Iterable<NoInfer<Payload>>,
    options?: SendManyOptions,
  ): Promise<string[]>;
  /** The same to a task known by its name only: the payloads are not checked. */
  sendMany(task: string, payloads: Iterable<unknown>, options?: SendManyOptions): Promise<string[]>;
  sendMany<Payload>(
    task: TaskDefinition<Payload> | string,
    payloads: Iterable<unknown>,
    options: SendManyOptions = {},
  ): Promise<string[]> {
    return this.#begin(() => this.#sendAll(task, payloads, options));
  }

  /**
   * Refuses new messages, waits until those begun are settled, and closes. After `closeGrace` what is still not
   * confirmed is given up, as E_PUBLISH_UNCONFIRMED or E_CLIENT_CLOSED. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #begin<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state !== 'open')
      return Promise.reject(new RuntimeError('E_CLIENT_CLOSED', `the client is ${this.#state}: create another one`));
    const begun = work();
    this.#begun.add(begun);
    const forget = (): void => void this.#begun.delete(begun);
    begun.then(forget, forget);
    return begun;
  }

  async #sendOne<Payload>(
    task: TaskDefinition<Payload> | string,
    payload: unknown,
    options: SendOptions,
  ): Promise<string> {
    const parts = this.#address(task, options);
    const id = options.id ?? uuidV7();
    requireShortString('id', id);
    const message = taskMessage(parts, id, payload);
    await this.#ready(parts);
    try {
      await this.#parts.publisher.publish(this.#outgoing(message, parts));
    } catch (error) {
      this.#learn(error, parts);
      throw error;
    }
    return id;
  }

  async #sendAll<Payload>(
    task: TaskDefinition<Payload> | string,
    payloads: Iterable<unknown>,
    options: SendManyOptions,
  ): Promise<string[]> {
    const parts = this.#address(task, options);
    await this.#ready(parts);
    const ids: string[] = [];
    const failures: SendFailure[] = [];
    const room = new Room(this.#settings.window);
    let first: unknown;
    let givenUp = false;
    const failed = (index: number, id: string, error: unknown): void => {
      first ??= error;
      const { code, message } = toWireError(error, 'E_PUBLISH_UNCONFIRMED');
      failures.push({ index, id, code, message });
      if (code === 'E_CLIENT_CLOSED') givenUp = true;
    };
    // No promise for each of them: that would cost as much as publishing it.
    const sendNext = (payload: unknown): void => {
      const id = uuidV7();
      const index = ids.push(id) - 1;
      let message: OutgoingMessage;
      try {
        message = this.#outgoing(taskMessage(parts, id, payload), parts);
      } catch (error) {
        failed(index, id, error);
        return;
      }
      room.enter();
      this.#parts.publisher.submit(message, (error) => {
        if (error !== undefined) {
          this.#learn(error, parts);
          failed(index, id, error);
        }
        room.leave();
      });
    };
    try {
      for (const payload of payloads) {
        if (room.full) await room.freed();
        if (givenUp) break; // whatever follows would be refused too, and the iterator may have no end
        sendNext(payload);
      }
    } finally {
      await room.emptied(); // also when the caller's iterator throws
    }
    if (failures.length > 0) throw incompleteError(parts.task, ids, failures, first);
    return ids;
  }

  /** A queue, or a delay level, that was deleted since is declared again by the next call. */
  #learn(error: unknown, { queue, timing }: TaskMessageParts): void {
    if (timing.remainingMs !== undefined && isNotThere(error)) this.#parts.delays.forget();
    if (!isRuntimeError(error, 'E_PUBLISH_UNROUTABLE')) return;
    this.#declared.delete(queue);
    if (timing.remainingMs === undefined) this.#parts.delays.forget(queue);
  }

  /** A message that waits goes to its delay; what has no time left when it goes out goes to its queue at once. */
  #outgoing(message: OutgoingMessage, { queue, timing: { remainingMs } }: TaskMessageParts): OutgoingMessage {
    if (remainingMs === undefined) return message;
    const address = (): Address => {
      const delayMs = remainingMs();
      return delayMs > 0 ? this.#parts.delays.route(queue, delayMs) : { exchange: '', routingKey: queue };
    };
    return { ...message, ...address(), readdress: address };
  }

  #address<Payload>(task: TaskDefinition<Payload> | string, options: SendManyOptions): TaskMessageParts {
    const { queue, priority, correlationId, headers } = options;
    const name = typeof task === 'string' ? task : task.name;
    const target = queue ?? (typeof task === 'string' ? undefined : task.queue) ?? this.#settings.defaultQueue;
    requireShortString('task name', name);
    requireShortString('queue', target);
    return { task: name, queue: target, priority, correlationId, headers, timing: readTiming(options) };
  }

  async #ready({ queue, timing }: TaskMessageParts): Promise<void> {
    if (this.#settings.declare) await this.#declare(queue);
    if (timing.remainingMs !== undefined) await this.#parts.delays.ready(queue);
  }

  /** Declared once per queue; a failed attempt is made again by the next call. */
  #declare(queue: string): Promise<void> {
    const known = this.#declared.get(queue);
    if (known !== undefined) return known;
    const declaring = this.#parts.declare(queueTopology(queue, this.#settings.queueType));
    this.#declared.set(queue, declaring);
    declaring.catch(() => this.#declared.delete(queue)); // the caller is told by the promise itself
    return declaring;
  }

  async #close(): Promise<void> {
    this.#move('closing');
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#settings.closeGraceMs);
    });
    await Promise.race([Promise.allSettled(this.#begun), tooLate]);
    clearTimeout(timer);
    await this.#parts.publisher.close();
    await this.#parts.release();
    this.#move('closed');
  }

  #move(to: ClientState): void {
    const allowed: readonly ClientState[] = NEXT[this.#state];
    if (!allowed.includes(to)) throw new RuntimeError('E_STATE', `a client cannot go from ${this.#state} to ${to}`);
    this.#state = to;
  }
}

function requireShortString(what: string, text: unknown): void {
  const bytes = typeof text === 'string' ? Buffer.byteLength(text) : undefined;
  if (bytes === undefined) throw new RuntimeError('E_OPTION_TYPE', `${what} must be text, got ${typeof text}`);
  if (bytes >= 1 && bytes <= LONGEST_SHORT_STRING) return;
  throw new RuntimeError(
    'E_OPTION_RANGE',
    `${what} must have 1 to ${LONGEST_SHORT_STRING} bytes of UTF-8, got ${bytes}`,
  );
}

function incompleteError(
  task: string,
  ids: readonly string[],
  failures: readonly SendFailure[],
  cause: unknown,
): RuntimeError {
  const ordered = [...failures].sort((a, b) => a.index - b.index);
  const [first] = ordered;
  const message = `${failures.length} of ${ids.length} messages for task '${task}' were not confirmed, the first with ${first?.code}: ${first?.message}`;
  return new RuntimeError('E_SEND_INCOMPLETE', message, {
    details: { confirmed: ids.length - failures.length, ids, failures: ordered },
    cause,
  });
}
