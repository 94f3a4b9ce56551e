/** What is looked at before a message is accepted, so that none breaks the channel for its neighbours. */
import { shortStringBytes } from '../../batch/field-table.ts';
import { propertiesBytes } from '../../batch/message-properties.ts';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { OutgoingMessage } from '../broker.ts';
import { FRAME_MAX } from './handshake.ts';
import { HEADER_FRAME_BYTES } from './publish-encoder.ts';
import { publishableHeaders } from './publishable-headers.ts';

/** The message as RabbitMQ takes it; nearly always the same object. */
export function publishableMessage(message: OutgoingMessage): OutgoingMessage {
  const { headers } = message.properties;
  if (headers === undefined) return message;
  const written = publishableHeaders(headers);
  return written === headers ? message : { ...message, properties: { ...message.properties, headers: written } };
}

/** The message with the address that it has now that it goes out. Throws E_MESSAGE_MALFORMED. */
export function readdressed(message: OutgoingMessage): OutgoingMessage {
  if (message.readdress === undefined) return message;
  const addressed = { ...message, ...message.readdress() };
  checkAddress(addressed);
  return addressed;
}

/** Throws E_MESSAGE_MALFORMED or E_MESSAGE_TOO_LARGE. @returns the bytes of the properties */
export function checkMessage(message: OutgoingMessage, maxMessageBytes: number): number {
  const { properties, body } = message;
  checkAddress(message);
  const bytes = propertiesBytes(properties);
  requireFrame(bytes, FRAME_MAX - HEADER_FRAME_BYTES);
  if (body.byteLength <= maxMessageBytes) return bytes;
  const text = `got a body of ${body.byteLength} bytes, maxMessageBytes allows ${maxMessageBytes}`;
  throw new RuntimeError('E_MESSAGE_TOO_LARGE', text, { details: { bodyBytes: body.byteLength } });
}

/** One frame holds all properties. Throws E_MESSAGE_MALFORMED. */
export function requireFrame(bytes: number, most: number): void {
  if (bytes <= most) return;
  throw new RuntimeError('E_MESSAGE_MALFORMED', `the message properties take ${bytes} bytes, at most ${most} fit`);
}

function checkAddress({ exchange, routingKey }: OutgoingMessage): void {
  shortStringBytes(exchange, 'exchange name');
  shortStringBytes(routingKey, 'routing key');
}
