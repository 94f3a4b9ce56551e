import {
  BATCH_MAGIC,
  HEADER_BYTES,
  HEADER_COUNT,
  HEADER_EPOCH,
  HEADER_FIRST_TAG,
  HEADER_OPENED_AT,
  HEADER_OPENED_MONOTONIC,
  HEADER_SALT,
  HEADER_TOTAL_BYTES,
  RECORD_BODY_BYTES,
  RECORD_FLAGS,
  RECORD_HEADER_BYTES,
  RECORD_PROPERTIES_BYTES,
  RECORD_REDELIVERED,
  recordBytes,
} from '../../src/batch/batch-layout.ts';
import { encodeProperties, type MessageProperties } from '../../src/batch/message-properties.ts';
import { monotonicNow } from '../../src/support/monotonic.ts';

export interface BatchMessage {
  readonly properties?: MessageProperties;
  /** Instead of `properties`: these bytes, which may be no properties at all. */
  readonly rawProperties?: Uint8Array;
  readonly body?: Uint8Array | string;
  readonly redelivered?: boolean;
}

export interface BatchPlace {
  readonly firstTag?: number;
  readonly salt?: number;
  readonly epoch?: number;
  readonly openedAtMs?: number;
  /** On the clock of support/monotonic.ts; now, where it is not given. */
  readonly openedMonotonicMs?: number;
  /** Bytes behind the batch: pooled buffers are larger than what is in them. */
  readonly slackBytes?: number;
}

/** A batch written field by field, the obvious way: what tests compare slab and packer with, and read from. */
export function makeBatch(messages: readonly BatchMessage[], place: BatchPlace = {}): ArrayBuffer {
  const parts = messages.map((message) => ({
    properties: Buffer.from(message.rawProperties ?? encodeProperties(message.properties ?? {})),
    body: typeof message.body === 'string' ? Buffer.from(message.body) : (message.body ?? new Uint8Array(0)),
    message,
  }));
  const bytes = parts.reduce((sum, part) => sum + recordBytes(part.properties.length + part.body.length), HEADER_BYTES);
  const buffer = new ArrayBuffer(bytes + (place.slackBytes ?? 0));
  const view = new DataView(buffer);
  view.setUint32(0, BATCH_MAGIC, true);
  view.setUint32(HEADER_COUNT, messages.length, true);
  view.setUint32(HEADER_TOTAL_BYTES, bytes, true);
  view.setFloat64(HEADER_OPENED_AT, place.openedAtMs ?? 1_700_000_000_000, true);
  view.setFloat64(HEADER_OPENED_MONOTONIC, place.openedMonotonicMs ?? monotonicNow(), true);
  view.setFloat64(HEADER_FIRST_TAG, place.firstTag ?? 1, true);
  view.setUint32(HEADER_SALT, place.salt ?? 0, true);
  view.setUint32(HEADER_EPOCH, place.epoch ?? 1, true);
  let at = HEADER_BYTES;
  for (const { properties, body, message } of parts) {
    view.setUint32(at + RECORD_PROPERTIES_BYTES, properties.length, true);
    view.setUint32(at + RECORD_BODY_BYTES, body.length, true);
    view.setUint32(at + RECORD_FLAGS, message.redelivered === true ? RECORD_REDELIVERED : 0, true);
    new Uint8Array(buffer).set(properties, at + RECORD_HEADER_BYTES);
    new Uint8Array(buffer).set(body, at + RECORD_HEADER_BYTES + properties.length);
    at += recordBytes(properties.length + body.length);
  }
  return buffer;
}
