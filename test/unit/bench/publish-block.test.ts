import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyAt, idAt } from '../../../bench/harness/message-source.ts';
import { PublishBlock } from '../../../bench/harness/publish-block.ts';
import { FRAME_PAYLOAD_MAX } from '../../../bench/harness/raw-amqp.ts';
import { decodeProperties } from '../../../src/batch/message-properties.ts';

interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at + 3);
    assert.equal(bytes[at + 7 + size], 206, 'a frame ends in its end octet');
    frames.push({ type: bytes[at] ?? 0, payload: bytes.subarray(at + 7, at + 7 + size) });
    at += size + 8;
  }
  return frames;
}

test('a block is the publish, header and body of its message', () => {
  const block = new PublishBlock({ queue: 'some-queue', seed: 5 });
  const bytes = Buffer.alloc(block.length * 2);
  block.writeTo(bytes, 0, 3);
  block.writeTo(bytes, block.length, 123456);
  for (const [from, index] of [
    [0, 3],
    [block.length, 123456],
  ] as const) {
    const [publish, header, body] = framesOf(bytes.subarray(from, from + block.length));
    assert.deepEqual([publish?.type, header?.type, body?.type], [1, 2, 3]);
    assert.ok(publish?.payload.includes('some-queue'));
    assert.equal(header?.payload.readBigUInt64BE(4), BigInt(bodyAt(5, index).length));
    assert.deepEqual(body?.payload, bodyAt(5, index));
    assert.deepEqual(decodeProperties(header?.payload ?? Buffer.alloc(0), 12, header?.payload.length ?? 0), {
      contentType: 'application/json',
      deliveryMode: 2,
      messageId: idAt(5, index),
      type: 'record',
    });
  }
});

test('a body that is longer than a frame goes on in the next ones', () => {
  for (const bodyBytes of [FRAME_PAYLOAD_MAX, FRAME_PAYLOAD_MAX + 1, 3 * FRAME_PAYLOAD_MAX]) {
    const block = new PublishBlock({ queue: 'some-queue', seed: 5, bodyBytes });
    const bytes = Buffer.alloc(block.length);
    block.writeTo(bytes, 0, 77);
    const [, header, ...parts] = framesOf(bytes);
    assert.equal(parts.length, Math.ceil(bodyBytes / FRAME_PAYLOAD_MAX));
    assert.equal(header?.payload.readBigUInt64BE(4), BigInt(bodyBytes));
    assert.ok(parts.every(({ type, payload }) => type === 3 && payload.length <= FRAME_PAYLOAD_MAX));
    assert.deepEqual(Buffer.concat(parts.map(({ payload }) => payload)), bodyAt(5, 77, bodyBytes));
  }
});
