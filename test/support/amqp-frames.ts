/** Frames of AMQP 0-9-1 as a broker writes them, built the plain way: the tests' own idea of the format. */

export interface SentDelivery {
  readonly channel: number;
  readonly tag: number;
  readonly redelivered?: boolean;
  readonly consumerTag?: string;
  readonly exchange?: string;
  readonly routingKey?: string;
  /** Flags and list, at least the two bytes of empty flags. */
  readonly properties?: Buffer;
  readonly body: Buffer;
}

export function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head[0] = type;
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

export function method(channel: number, classId: number, methodId: number, ...args: readonly Buffer[]): Buffer {
  return frame(1, channel, Buffer.concat([u16(classId), u16(methodId), ...args]));
}

export function u8(value: number): Buffer {
  return Buffer.from([value]);
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function shortString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u8(bytes.length), bytes]);
}

export function longString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u32(bytes.length), bytes]);
}

/** A field table of long strings. */
export function stringTable(entries: Readonly<Record<string, string>>): Buffer {
  const fields = Object.entries(entries).map(([name, value]) =>
    Buffer.concat([shortString(name), Buffer.from('S'), longString(value)]),
  );
  const bytes = Buffer.concat(fields);
  return Buffer.concat([u32(bytes.length), bytes]);
}

export const HEARTBEAT: Buffer = frame(8, 0, Buffer.alloc(0));

export function deliverMethod(delivery: SentDelivery): Buffer {
  return method(
    delivery.channel,
    60,
    60,
    shortString(delivery.consumerTag ?? 'c'),
    u64(delivery.tag),
    u8(delivery.redelivered === true ? 1 : 0),
    shortString(delivery.exchange ?? ''),
    shortString(delivery.routingKey ?? 'queue'),
  );
}

export function contentHeader(channel: number, bodyBytes: number | bigint, properties: Buffer = u16(0)): Buffer {
  return frame(2, channel, Buffer.concat([u16(60), u16(0), u64(bodyBytes), properties]));
}

/** deliver, header, and the body in frames of at most `framePayload` bytes. */
export function deliveryFrames(delivery: SentDelivery, framePayload = 131_064): readonly Buffer[] {
  const frames = [deliverMethod(delivery), contentHeader(delivery.channel, delivery.body.length, delivery.properties)];
  for (let start = 0; start < delivery.body.length; start += framePayload) {
    frames.push(frame(3, delivery.channel, delivery.body.subarray(start, start + framePayload)));
  }
  return frames;
}
