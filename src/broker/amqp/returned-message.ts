import { decodeProperties, type MessageProperties } from '../../batch/message-properties.ts';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { OutgoingMessage } from '../broker.ts';
import type { WireReader } from './wire-reader.ts';

/** A message that no queue took, as basic.return tells of it. */
export interface ReturnedMessage {
  /** The broker's words. */
  readonly said: string;
  readonly exchange: string;
  readonly routingKey: string;
  /** Undefined while they have not come, or where they cannot be read: the place alone must do then. */
  readonly properties: MessageProperties | undefined;
}

/** The method; the properties come in the frame behind it. */
export function readReturn(args: WireReader): ReturnedMessage {
  return {
    said: `${args.u16()} ${args.shortString()}`,
    exchange: args.shortString(),
    routingKey: args.shortString(),
    properties: undefined,
  };
}

export function withProperties(returned: ReturnedMessage, bytes: Buffer): ReturnedMessage {
  try {
    return { ...returned, properties: decodeProperties(bytes, 0, bytes.length) };
  } catch (error) {
    if (error instanceof RuntimeError) return returned;
    throw error;
  }
}

/** Whether the returned message may be this one: to the same place, with the same ids. */
export function isReturned(message: OutgoingMessage, { exchange, routingKey, properties }: ReturnedMessage): boolean {
  return (
    isSameText(message.routingKey, routingKey) &&
    isSameText(message.exchange, exchange) &&
    (properties === undefined || hasSameIds(message.properties, properties))
  );
}

function hasSameIds(sent: MessageProperties, returned: MessageProperties): boolean {
  return (
    isSameText(sent.messageId, returned.messageId) &&
    isSameText(sent.correlationId, returned.correlationId) &&
    isSameText(sent.type, returned.type)
  );
}

/** Half of a surrogate pair, as cutting text leaves it, comes back as U+FFFD. */
function isSameText(sent: string | undefined, returned: string | undefined): boolean {
  if (sent === returned) return true;
  return sent !== undefined && returned?.includes('\ufffd') === true && Buffer.from(sent).toString() === returned;
}
