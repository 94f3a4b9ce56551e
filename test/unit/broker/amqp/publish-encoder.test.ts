import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeProperties, type MessageProperties, propertiesBytes } from '../../../../src/batch/message-properties.ts';
import { BLOCK_BYTES, PublishBlocks } from '../../../../src/broker/amqp/publish-blocks.ts';
import { PublishEncoder } from '../../../../src/broker/amqp/publish-encoder.ts';
import type { OutgoingMessage } from '../../../../src/broker/broker.ts';
import { contentHeader, frame, method, shortString, u8, u16 } from '../../../support/amqp-frames.ts';

const SMALLEST_FRAME_MAX = 4096;

/** The frames of a message, built the plain way. */
function naiveFrames(channel: number, frameMax: number, message: OutgoingMessage): Buffer {
  const { exchange, routingKey, properties } = message;
  const body = Buffer.from(message.body);
  const frames = [
    method(channel, 60, 40, u16(0), shortString(exchange), shortString(routingKey), u8(1)),
    contentHeader(channel, body.length, encodeProperties(properties)),
  ];
  for (let start = 0; start < body.length; start += frameMax - 8)
    frames.push(frame(3, channel, body.subarray(start, start + frameMax - 8)));
  return Buffer.concat(frames);
}

function encodeAll(channel: number, frameMax: number, messages: readonly OutgoingMessage[], flushEach = false): Buffer {
  const written: Buffer[] = [];
  const blocks = new PublishBlocks(
    (bytes, done) => {
      written.push(Buffer.from(bytes));
      done();
    },
    () => undefined,
  );
  const encoder = new PublishEncoder(blocks, channel, frameMax);
  for (const message of messages) {
    encoder.encode(message, propertiesBytes(message.properties));
    if (flushEach) blocks.flush();
  }
  blocks.flush();
  return Buffer.concat(written);
}

const name = fc.oneof(fc.constantFrom('', 'calls', 'späte.aufträge'), fc.string({ maxLength: 60, unit: 'grapheme' }));
const shortName = name.filter((text) => Buffer.byteLength(text) <= 255);
const header = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000)),
  fc.uint8Array({ maxLength: 30 }),
  fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 4 }),
);
const properties: fc.Arbitrary<MessageProperties> = fc.record(
  {
    contentType: shortName,
    headers: fc.dictionary(fc.string({ maxLength: 20 }), header, { maxKeys: 6, noNullPrototype: true }),
    deliveryMode: fc.constantFrom(1 as const, 2 as const),
    priority: fc.integer({ min: 0, max: 255 }),
    correlationId: shortName,
    expiration: fc.nat().map(String),
    messageId: shortName,
    timestamp: fc.maxSafeNat(),
    type: shortName,
  },
  { requiredKeys: [] },
);
const bodyBytes = fc.oneof(
  { weight: 5, arbitrary: fc.nat({ max: 500 }) },
  fc.constantFrom(0, 1, 4087, 4088, 4089, 8176, 8177, 131_063, 131_064, 131_065),
  fc.integer({ min: BLOCK_BYTES - 400, max: BLOCK_BYTES + 400 }),
  fc.nat({ max: 300_000 }),
);
const message: fc.Arbitrary<OutgoingMessage> = fc
  .record({ exchange: shortName, routingKey: shortName, properties, bytes: bodyBytes, view: fc.boolean() })
  .map(({ bytes, view, ...rest }) => {
    const body = Buffer.alloc(bytes + 1).map((_, index) => (index * 31 + bytes) & 0xff);
    // A plain Uint8Array that is a part of its memory, as a caller may give it.
    return { ...rest, body: view ? new Uint8Array(body.buffer, body.byteOffset + 1, bytes) : body.subarray(1) };
  });

describe('publish encoder', () => {
  test('messages are the frames of the specification, whatever their size and however they fill the blocks', () => {
    const property = fc.property(
      fc.array(message, { maxLength: 25 }),
      fc.constantFrom(SMALLEST_FRAME_MAX, 8192, 131_072),
      fc.integer({ min: 1, max: 65_535 }),
      fc.boolean(),
      (messages, frameMax, channel, flushEach) => {
        const expected = Buffer.concat(messages.map((each) => naiveFrames(channel, frameMax, each)));
        const encoded = encodeAll(channel, frameMax, messages, flushEach);
        assert.equal(encoded.length, expected.length);
        assert.ok(encoded.equals(expected));
      },
    );
    fc.assert(property, { numRuns: 150 });
  });

  test('nothing of a message is written without its rest, so that others on the connection never write into it', () => {
    const property = fc.property(
      fc.array(message, { minLength: 1, maxLength: 25 }),
      fc.constantFrom(SMALLEST_FRAME_MAX, 131_072),
      (messages, frameMax) => {
        let written = 0;
        const blocks = new PublishBlocks(
          (bytes) => {
            written += bytes.length;
          },
          () => undefined,
        );
        const encoder = new PublishEncoder(blocks, 1, frameMax);
        const ends = new Set([0]);
        let end = 0;
        for (const each of messages) {
          encoder.encode(each, propertiesBytes(each.properties));
          end += naiveFrames(1, frameMax, each).length;
          ends.add(end);
          assert.ok(ends.has(written), `${written} bytes are written, messages end at ${[...ends].join(', ')}`);
        }
      },
    );
    fc.assert(property);
  });

  test('properties that are larger than a block are written whole', () => {
    const large = { headers: { stack: 'x'.repeat(BLOCK_BYTES + 1000) } };
    const messages = ['before', large, 'behind'].map((each) => ({
      exchange: '',
      routingKey: 'calls',
      properties: typeof each === 'string' ? { messageId: each } : each,
      body: Buffer.from('{}'),
    }));
    const expected = Buffer.concat(messages.map((each) => naiveFrames(7, 131_072, each)));
    assert.ok(encodeAll(7, 131_072, messages).equals(expected));
  });
});
