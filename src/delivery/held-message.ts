import { decodeProperties, type MessageProperties } from '../batch/message-properties.ts';
import { ATTEMPT, HISTORY, WAITS } from '../batch/task-headers.ts';

/** A count above it is nonsense, and counting on from it would leave the whole numbers. */
const HIGHEST_COUNT = 1_000_000_000;

/** A message that did not simply succeed, read on the main thread. The bytes stay unchanged until it is settled. */
export interface HeldMessage {
  /** Undefined where they cannot be read. */
  readonly properties: MessageProperties | undefined;
  readonly rawProperties: Buffer;
  readonly body: Buffer;
  /** The attempt that it was delivered for, counted from 1. */
  readonly attempt: number;
  readonly waits: number;
  /** Attempts before this one, as they are in the header. */
  readonly history: readonly unknown[];
  /** Times the broker has taken it back from a consumer that was lost; 0 where it does not count them. */
  readonly returns: number;
}

/** Reads what the router and the follow-ups need. Never throws: whatever is odd in it counts as not there. */
export function readHeldMessage(rawProperties: Buffer, body: Buffer): HeldMessage {
  const properties = readable(rawProperties);
  const headers = properties?.headers ?? {};
  const history = headers[HISTORY];
  return {
    properties,
    rawProperties,
    body,
    attempt: Math.max(1, countIn(headers[ATTEMPT])),
    waits: countIn(headers[WAITS]),
    history: Array.isArray(history) ? history : [],
    returns: countIn(headers['x-delivery-count']),
  };
}

function readable(bytes: Buffer): MessageProperties | undefined {
  try {
    return decodeProperties(bytes, 0, bytes.length);
  } catch {
    return undefined; // that is an answer: such a message is kept as the bytes it is
  }
}

function countIn(header: unknown): number {
  const count = typeof header === 'bigint' ? Number(header) : header;
  return typeof count === 'number' && count > 0 && count <= HIGHEST_COUNT ? Math.floor(count) : 0;
}
