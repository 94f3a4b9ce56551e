/**
 * The messages that follow from an outcome, as data. Each is the message that was delivered, with its body as it was and
 * its properties but for what must not travel on:
 *
 *     expiration   would end a dead letter that nobody has looked at, or a wait before its time
 *     user_id      the broker takes a message only from the user it names
 *     what the broker added (task-headers.ts, BROKER_HEADERS)
 *
 * A message without an id gets one, so that its further attempts are known as the same task.
 */
import type { MessageProperties } from '../batch/message-properties.ts';
import {
  ATTEMPT,
  type AttemptRecord,
  BROKER_HEADERS,
  DEAD_AT,
  ERROR_CODE,
  ERROR_MESSAGE,
  ERROR_STACK,
  HISTORY,
  LONGEST_HISTORY,
  ORIGINAL_PROPERTIES,
  OUTCOME,
  QUEUE,
  WAITS,
  WORKER,
} from '../batch/task-headers.ts';
import type { WireError } from '../errors/wire-error.ts';
import { uuidV7 } from '../support/uuid-v7.ts';
import type { HeldMessage } from './held-message.ts';

const LONGEST_STACK = 4_096;
const LONGEST_MESSAGE = 1_024;
const LONGEST_MESSAGE_IN_HISTORY = 200;
/** A header frame holds 128 KiB, and base64 makes four bytes of three. */
const LONGEST_PACKED_BYTES = 64 * 1024;

/** An attempt that has ended, and where. */
export interface EndedAttempt {
  readonly attempt: number;
  readonly outcome: string;
  readonly error: WireError;
  /** host:pid */
  readonly worker: string;
  readonly endedAt: Date;
}

type Headers = Readonly<Record<string, unknown>>;

/** For the next attempt, with this one in its history. */
export function retryProperties(message: HeldMessage, ended: EndedAttempt): MessageProperties {
  return withHeaders(message, { [ATTEMPT]: ended.attempt + 1, [HISTORY]: historyWith(message, ended) });
}

/** The same where the table of headers has no room for the history. */
export function bareRetryProperties(message: HeldMessage, ended: EndedAttempt): MessageProperties {
  return withHeaders(message, { [ATTEMPT]: ended.attempt + 1, [HISTORY]: undefined });
}

/**
 * For the same attempt later. One that had begun says its number, so that a start deadline is no matter any more.
 * @param forTask - it waits for a worker that knows its task, which is counted; it has not begun
 */
export function waitProperties(message: HeldMessage, forTask: boolean): MessageProperties {
  return withHeaders(message, forTask ? { [WAITS]: message.waits + 1 } : { [ATTEMPT]: message.attempt });
}

/** For the queue of suspects: nothing is counted, the broker counts what happens there from nought. */
export function suspectProperties(message: HeldMessage): MessageProperties {
  return withHeaders(message, { [ATTEMPT]: message.attempt });
}

/** For the dead letters: all that is known of why it is there. */
export function deadProperties(message: HeldMessage, ended: EndedAttempt, queue: string): MessageProperties {
  return withHeaders(message, { ...reasonHeaders(ended, queue), [HISTORY]: historyWith(message, ended) });
}

/** The same where the properties cannot be sent with the reason added, or not be read: they travel as bytes. */
export function packedDeadProperties(message: HeldMessage, ended: EndedAttempt, queue: string): MessageProperties {
  const packed = message.rawProperties.subarray(0, LONGEST_PACKED_BYTES).toString('base64');
  const { messageId = uuidV7(), type } = message.properties ?? {};
  const headers = { ...reasonHeaders(ended, queue), [ORIGINAL_PROPERTIES]: packed };
  return { messageId, ...(type === undefined ? {} : { type }), deliveryMode: 2, headers };
}

function reasonHeaders({ attempt, outcome, error, worker, endedAt }: EndedAttempt, queue: string): Headers {
  return {
    [ERROR_CODE]: error.code,
    [ERROR_MESSAGE]: error.message.slice(0, LONGEST_MESSAGE),
    [ERROR_STACK]: error.stack?.slice(0, LONGEST_STACK),
    [OUTCOME]: outcome,
    [ATTEMPT]: attempt,
    [QUEUE]: queue,
    [WORKER]: worker,
    [DEAD_AT]: endedAt.toISOString(),
  };
}

function historyWith({ history }: HeldMessage, ended: EndedAttempt): unknown[] {
  const { attempt, outcome, error, worker, endedAt } = ended;
  const record: AttemptRecord = {
    attempt,
    at: endedAt.toISOString(),
    outcome,
    code: error.code,
    message: error.message.slice(0, LONGEST_MESSAGE_IN_HISTORY),
    worker,
  };
  return [...history, record].slice(-LONGEST_HISTORY);
}

/** The properties with these headers set; an undefined one is taken out. */
function withHeaders({ properties = {} }: HeldMessage, changes: Headers): MessageProperties {
  const { expiration: _expired, userId: _publisher, headers: old, ...kept } = properties;
  const headers: Record<string, unknown> = { ...old };
  for (const name of BROKER_HEADERS) delete headers[name];
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  return {
    ...kept,
    messageId: kept.messageId ?? uuidV7(),
    deliveryMode: 2,
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
  };
}
