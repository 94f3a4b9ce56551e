import { createHash } from 'node:crypto';
import { decodeProperties, type MessageProperties } from '../batch/message-properties.ts';
import {
  ATTEMPT,
  type AttemptRecord,
  BROKER_HEADERS,
  DEAD_AT,
  ERROR_CODE,
  ERROR_MESSAGE,
  ERROR_STACK,
  HISTORY,
  ORIGINAL_PROPERTIES,
  OUTCOME,
  QUEUE,
  REPLAYED,
  WAITS,
  WORKER,
} from '../batch/task-headers.ts';
import { suspectsQueueName } from '../broker/topology.ts';
import { explainDeath, readBrokerDeath } from './broker-death.ts';

/** A message that is not going to run again by itself, and why. */
export interface DeadLetter {
  /** The message id; for a message without one `no-id-` and twelve hex digits made from its contents. */
  readonly id: string;
  /** The task it names; undefined where it names none or cannot be read. */
  readonly task: string | undefined;
  /** The queue it came from, and goes back to when it is replayed. */
  readonly queue: string;
  /** An error code; `broker: expired` and the like where the broker itself gave it up; `unknown` where nothing says. */
  readonly code: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** failed, timed-out, crashed, expired, … or the broker's reason. */
  readonly outcome: string;
  /** Attempts that were made. */
  readonly attempts: number;
  /** host:pid of the process that ran it last. */
  readonly worker: string | undefined;
  readonly deadAt: Date | undefined;
  /** The attempts, oldest first, the last 20 of them. */
  readonly history: readonly AttemptRecord[];
  /** Times it was replayed before. */
  readonly replays: number;
  readonly body: Uint8Array;
  /**
   * Its properties before it died: without what millrace and the broker added. Undefined where they cannot be read;
   * such a letter cannot be replayed.
   */
  readonly original: Readonly<MessageProperties> | undefined;
}

/** What a dead letter has in its headers and the message itself had not. */
const ADDED: ReadonlySet<string> = new Set([
  ATTEMPT,
  HISTORY,
  WAITS,
  ERROR_CODE,
  ERROR_MESSAGE,
  ERROR_STACK,
  OUTCOME,
  QUEUE,
  WORKER,
  DEAD_AT,
  REPLAYED,
  ...BROKER_HEADERS,
]);

type Headers = Readonly<Record<string, unknown>>;

/** Why it is there, by whoever put it there. */
type Cause = Pick<DeadLetter, 'queue' | 'code' | 'message' | 'outcome' | 'attempts' | 'deadAt'>;

/**
 * Reads a dead letter, whoever wrote it: millrace, the broker (expired, rejected, over the delivery limit) or a stranger.
 * Pure, and nothing in a message makes it throw: headers of the wrong type count as missing.
 *
 * @param properties - undefined where they could not be decoded
 * @param home - the queue whose dead letters these are, for letters that do not say where they came from
 */
export function readDeadLetter(properties: MessageProperties | undefined, body: Uint8Array, home: string): DeadLetter {
  const headers = properties?.headers ?? {};
  const original = originalProperties(properties);
  const history = readHistory(headers[HISTORY]);
  const cause = withoutSuspects(readCause(properties, history.length, home), home);
  const task = properties?.type ?? original?.type;
  const id = properties?.messageId ?? original?.messageId;
  return {
    id: id === undefined || id === '' ? contentId(task, cause, body) : id,
    task,
    ...cause,
    stack: text(headers[ERROR_STACK]),
    worker: text(headers[WORKER]),
    history,
    replays: count(headers[REPLAYED]) ?? 0,
    body,
    original,
  };
}

function readCause(properties: MessageProperties | undefined, recorded: number, home: string): Cause {
  if (properties === undefined) return unexplained('the properties of the message cannot be read', home);
  const headers: Headers = properties.headers ?? {};
  const code = text(headers[ERROR_CODE]);
  const attempt = count(headers[ATTEMPT]);
  if (code !== undefined) {
    return {
      queue: text(headers[QUEUE]) ?? home,
      code,
      message: text(headers[ERROR_MESSAGE]) ?? '',
      outcome: text(headers[OUTCOME]) ?? 'failed',
      attempts: attempt ?? recorded,
      deadAt: date(headers[DEAD_AT]),
    };
  }
  const death = readBrokerDeath(headers);
  if (death === undefined) return unexplained('nothing in its headers says why it is here', home);
  return {
    queue: death.queue ?? home,
    code: `broker: ${death.reason}`,
    message: explainDeath(death),
    outcome: death.reason,
    // The header says for which attempt the message was; that one was not made, or not to its end.
    attempts: Math.max(0, (attempt ?? 1) - 1),
    deadAt: death.at,
  };
}

function unexplained(message: string, home: string): Cause {
  return { queue: home, code: 'unknown', message, outcome: 'unknown', attempts: 0, deadAt: undefined };
}

/** A suspect runs alone while it is one; a replay begins anew, among the others. */
function withoutSuspects(cause: Cause, home: string): Cause {
  return cause.queue === suspectsQueueName(home) ? { ...cause, queue: home } : cause;
}

function originalProperties(properties: MessageProperties | undefined): MessageProperties | undefined {
  if (properties === undefined) return undefined;
  const packed = properties.headers?.[ORIGINAL_PROPERTIES];
  if (packed === undefined) return withoutAdded(properties);
  if (typeof packed !== 'string') return undefined;
  const bytes = Buffer.from(packed, 'base64');
  try {
    const original = withoutAdded(decodeProperties(bytes, 0, bytes.length));
    const id = original.messageId ?? properties.messageId; // given to it when it died, if it had none
    return id === undefined ? original : { ...original, messageId: id };
  } catch {
    return undefined; // they could not be read when it died either, or were too long to be kept whole
  }
}

function withoutAdded({ headers, ...rest }: MessageProperties): MessageProperties {
  const kept = Object.entries(headers ?? {}).filter(([name]) => !ADDED.has(name));
  return kept.length === 0 ? rest : { ...rest, headers: Object.fromEntries(kept) };
}

function readHistory(value: unknown): readonly AttemptRecord[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isTable).map((entry, index) => ({
    attempt: count(entry['attempt']) ?? index + 1,
    at: text(entry['at']) ?? '',
    outcome: text(entry['outcome']) ?? '',
    code: text(entry['code']) ?? '',
    message: text(entry['message']) ?? '',
    worker: text(entry['worker']) ?? '',
  }));
}

/** The same however often the letter is looked at or moved. Letters that agree in everything share it. */
function contentId(task: string | undefined, { queue, code, deadAt }: Cause, body: Uint8Array): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([task, queue, code, deadAt?.getTime()]));
  return `no-id-${hash.update(body).digest('hex').slice(0, 12)}`;
}

function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function date(value: unknown): Date | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : new Date(ms);
}

function isTable(value: unknown): value is Headers {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
