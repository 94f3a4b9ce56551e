import type { MessageProperties } from '../batch/message-properties.ts';
import { START_BY } from '../batch/task-headers.ts';
import type { OutgoingMessage } from '../broker/broker.ts';
import { RuntimeError } from '../errors/runtime-error.ts';
import type { Timing } from './send-timing.ts';

/** What the messages of one call are made of, beside their ids and payloads. */
export interface TaskMessageParts {
  readonly task: string;
  readonly queue: string;
  readonly priority: number | undefined;
  readonly correlationId: string | undefined;
  readonly headers: Readonly<Record<string, unknown>> | undefined;
  readonly timing: Timing;
}

const PERSISTENT = 2;

/**
 * The message that carries a payload to a task:
 *
 *     body        the payload as JSON, or as it is where it is a Uint8Array (used without a copy)
 *     properties  content_type, type = task name, message_id = task id, timestamp, delivery_mode 2,
 *                 priority, correlation_id and headers only where given: a header table costs more than the rest.
 *                 timestamp is the time of sending or, for a delayed message, the time it is due: a task's
 *                 `startWithin` counts from there
 *
 * Throws E_PAYLOAD_UNENCODABLE for what JSON cannot carry.
 */
export function taskMessage(parts: TaskMessageParts, id: string, payload: unknown): OutgoingMessage {
  const { timing } = parts;
  const raw = payload instanceof Uint8Array;
  const properties: MessageProperties = {
    contentType: raw ? 'application/octet-stream' : 'application/json',
    deliveryMode: PERSISTENT,
    messageId: id,
    timestamp: Math.floor((timing.dueAt ?? Date.now()) / 1000),
    type: parts.task,
  };
  if (parts.priority !== undefined) properties.priority = parts.priority;
  if (parts.correlationId !== undefined) properties.correlationId = parts.correlationId;
  if (parts.headers !== undefined) properties.headers = parts.headers;
  if (timing.startBy !== undefined) properties.headers = { ...parts.headers, [START_BY]: timing.startBy };
  return {
    exchange: '',
    routingKey: parts.queue,
    properties,
    body: raw ? payload : encodeJson(parts.task, id, payload),
  };
}

function encodeJson(task: string, id: string, payload: unknown): Buffer {
  const details = { task, id };
  let text: string | undefined;
  try {
    text = JSON.stringify(payload);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : 'unknown reason';
    throw new RuntimeError(
      'E_PAYLOAD_UNENCODABLE',
      `the payload for task '${task}' cannot be written as JSON: ${why}`,
      { details, cause },
    );
  }
  if (text !== undefined) return Buffer.from(text);
  const got = `got ${payload === undefined ? 'undefined' : `a ${typeof payload}`}`;
  throw new RuntimeError(
    'E_PAYLOAD_UNENCODABLE',
    `the payload for task '${task}' must be a JSON value or a Uint8Array, ${got}`,
    { details },
  );
}
