/**
 * A message's AMQP properties to and from the bytes of its content header (AMQP 0-9-1, 4.2.6.1):
 *
 *      0  u16  property flags, one bit for each property that is present
 *      2  …    the properties that are present, in the order of their bits
 *
 *     bit 15 contentType      short   10 correlationId  short   5 type      short
 *         14 contentEncoding  short    9 replyTo        short   4 userId    short
 *         13 headers          table    8 expiration     short   3 appId     short
 *         12 deliveryMode     u8       7 messageId      short   2 (cluster id, read and dropped)
 *         11 priority         u8       6 timestamp      u64     1, 0 never set
 *
 * `short` is a byte of length and up to 255 bytes of UTF-8, `table` is drawn in field-table.ts.
 * Threads load this file: it must stay free of the broker.
 */
import {
  FieldReader,
  fieldTableBytes,
  malformed,
  shortStringBytes,
  writeFieldTable,
  writeShortString,
} from './field-table.ts';
import {
  FLAG_APP_ID,
  FLAG_CLUSTER_ID,
  FLAG_CONTENT_ENCODING,
  FLAG_CONTENT_TYPE,
  FLAG_CORRELATION_ID,
  FLAG_DELIVERY_MODE,
  FLAG_EXPIRATION,
  FLAG_HEADERS,
  FLAG_MESSAGE_ID,
  FLAG_PRIORITY,
  FLAG_REPLY_TO,
  FLAG_TIMESTAMP,
  FLAG_TYPE,
  FLAG_USER_ID,
  FLAGS_UNKNOWN,
} from './property-flags.ts';

/** A message's AMQP properties, decoded. The wire names are those of AMQP 0-9-1, basic class. */
export interface MessageProperties {
  contentType?: string;
  contentEncoding?: string;
  headers?: Record<string, unknown>;
  /** 1 = transient, 2 = persistent. */
  deliveryMode?: 1 | 2;
  priority?: number;
  correlationId?: string;
  replyTo?: string;
  /** Time to live in ms, as decimal digits. */
  expiration?: string;
  messageId?: string;
  /** Unix time in seconds, as on the wire. */
  timestamp?: number;
  type?: string;
  userId?: string;
  appId?: string;
}

export function encodeProperties(properties: MessageProperties): Buffer {
  const bytes = Buffer.allocUnsafe(propertiesBytes(properties));
  writeProperties(bytes, 0, properties);
  return bytes;
}

/** Bytes that the properties take. Throws E_MESSAGE_MALFORMED for what AMQP cannot carry. */
export function propertiesBytes(properties: MessageProperties): number {
  let bytes = 2;
  if (properties.headers !== undefined) bytes += fieldTableBytes(properties.headers);
  if (properties.deliveryMode !== undefined) bytes += checkedInteger('deliveryMode', properties.deliveryMode, 255, 1);
  if (properties.priority !== undefined) bytes += checkedInteger('priority', properties.priority, 255, 1);
  if (properties.timestamp !== undefined) {
    bytes += checkedInteger('timestamp', properties.timestamp, Number.MAX_SAFE_INTEGER, 8);
  }
  bytes += optionalBytes('contentType', properties.contentType);
  bytes += optionalBytes('contentEncoding', properties.contentEncoding);
  bytes += optionalBytes('correlationId', properties.correlationId);
  bytes += optionalBytes('replyTo', properties.replyTo);
  bytes += optionalBytes('expiration', properties.expiration);
  bytes += optionalBytes('messageId', properties.messageId);
  bytes += optionalBytes('type', properties.type);
  bytes += optionalBytes('userId', properties.userId);
  bytes += optionalBytes('appId', properties.appId);
  return bytes;
}

/** Writes the properties, which `propertiesBytes` must have accepted, and returns the offset behind them. */
export function writeProperties(target: Buffer, offset: number, properties: MessageProperties): number {
  let at = offset + 2;
  at = writeOptional(target, at, properties.contentType);
  at = writeOptional(target, at, properties.contentEncoding);
  if (properties.headers !== undefined) at = writeFieldTable(target, at, properties.headers);
  if (properties.deliveryMode !== undefined) at = target.writeUInt8(properties.deliveryMode, at);
  if (properties.priority !== undefined) at = target.writeUInt8(properties.priority, at);
  at = writeOptional(target, at, properties.correlationId);
  at = writeOptional(target, at, properties.replyTo);
  at = writeOptional(target, at, properties.expiration);
  at = writeOptional(target, at, properties.messageId);
  if (properties.timestamp !== undefined) {
    target.writeUInt32BE(Math.floor(properties.timestamp / 0x1_0000_0000), at);
    at = target.writeUInt32BE(properties.timestamp % 0x1_0000_0000, at + 4);
  }
  at = writeOptional(target, at, properties.type);
  at = writeOptional(target, at, properties.userId);
  at = writeOptional(target, at, properties.appId);
  target.writeUInt16BE(flagsOf(properties), offset);
  return at;
}

/** Reads the properties that fill `start` to `end` of `bytes` exactly; throws E_MESSAGE_MALFORMED where they do not. */
export function decodeProperties(bytes: Uint8Array, start: number, end: number): MessageProperties {
  const reader = new FieldReader(bytes, start, end);
  const flags = reader.u16();
  if ((flags & FLAGS_UNKNOWN) !== 0) throw malformed(`property flags 0x${flags.toString(16)}`);
  const properties: MessageProperties = {};
  if (flags & FLAG_CONTENT_TYPE) properties.contentType = reader.shortString();
  if (flags & FLAG_CONTENT_ENCODING) properties.contentEncoding = reader.shortString();
  if (flags & FLAG_HEADERS) properties.headers = reader.table();
  // Some clients send 0; whatever is not 2 is transient for the broker.
  if (flags & FLAG_DELIVERY_MODE) properties.deliveryMode = reader.u8() === 2 ? 2 : 1;
  if (flags & FLAG_PRIORITY) properties.priority = reader.u8();
  if (flags & FLAG_CORRELATION_ID) properties.correlationId = reader.shortString();
  if (flags & FLAG_REPLY_TO) properties.replyTo = reader.shortString();
  if (flags & FLAG_EXPIRATION) properties.expiration = reader.shortString();
  if (flags & FLAG_MESSAGE_ID) properties.messageId = reader.shortString();
  if (flags & FLAG_TIMESTAMP) properties.timestamp = reader.u64();
  if (flags & FLAG_TYPE) properties.type = reader.shortString();
  if (flags & FLAG_USER_ID) properties.userId = reader.shortString();
  if (flags & FLAG_APP_ID) properties.appId = reader.shortString();
  if (flags & FLAG_CLUSTER_ID) reader.shortString();
  if (reader.remaining > 0) throw malformed(`${reader.remaining} bytes after the properties`);
  return properties;
}

function flagsOf(properties: MessageProperties): number {
  return (
    (properties.contentType === undefined ? 0 : FLAG_CONTENT_TYPE) |
    (properties.contentEncoding === undefined ? 0 : FLAG_CONTENT_ENCODING) |
    (properties.headers === undefined ? 0 : FLAG_HEADERS) |
    (properties.deliveryMode === undefined ? 0 : FLAG_DELIVERY_MODE) |
    (properties.priority === undefined ? 0 : FLAG_PRIORITY) |
    (properties.correlationId === undefined ? 0 : FLAG_CORRELATION_ID) |
    (properties.replyTo === undefined ? 0 : FLAG_REPLY_TO) |
    (properties.expiration === undefined ? 0 : FLAG_EXPIRATION) |
    (properties.messageId === undefined ? 0 : FLAG_MESSAGE_ID) |
    (properties.timestamp === undefined ? 0 : FLAG_TIMESTAMP) |
    (properties.type === undefined ? 0 : FLAG_TYPE) |
    (properties.userId === undefined ? 0 : FLAG_USER_ID) |
    (properties.appId === undefined ? 0 : FLAG_APP_ID)
  );
}

function writeOptional(target: Buffer, offset: number, text: string | undefined): number {
  return text === undefined ? offset : writeShortString(target, offset, text);
}

function optionalBytes(name: string, text: string | undefined): number {
  return text === undefined ? 0 : shortStringBytes(text, name);
}

function checkedInteger(name: string, value: number, max: number, bytes: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return bytes;
  throw malformed(`${name} must be a whole number from 0 to ${max}`);
}
