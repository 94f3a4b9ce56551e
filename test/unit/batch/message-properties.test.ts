import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeProperties, encodeProperties, type MessageProperties } from '../../../src/batch/message-properties.ts';
import { isRuntimeError } from '../../../src/errors/runtime-error.ts';

const malformed = (error: unknown): boolean => isRuntimeError(error, 'E_MESSAGE_MALFORMED');

const short = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((text) => Buffer.byteLength(text) <= 255);
const headerValue = fc.oneof(fc.integer(), short, fc.boolean(), fc.constant(null));
const properties: fc.Arbitrary<MessageProperties> = fc
  .record(
    {
      contentType: short,
      contentEncoding: short,
      headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), headerValue, { noNullPrototype: true }),
      deliveryMode: fc.constantFrom<1 | 2>(1, 2),
      priority: fc.integer({ min: 0, max: 255 }),
      correlationId: short,
      replyTo: short,
      expiration: short,
      messageId: short,
      timestamp: fc.maxSafeNat(),
      type: short,
      userId: short,
      appId: short,
    },
    { requiredKeys: [] },
  )
  .map((record) => ({ ...record }));

describe('message properties', () => {
  test('any properties that can be written read back as they were, wherever they lie', () => {
    fc.assert(
      fc.property(properties, fc.nat(20), fc.nat(20), (written, before, after) => {
        const bytes = encodeProperties(written);
        const around = new Uint8Array(before + bytes.length + after).fill(0xaa);
        around.set(bytes, before);
        assert.deepStrictEqual(decodeProperties(around, before, before + bytes.length), written);
      }),
    );
  });

  test('every truncation of valid bytes is malformed', () => {
    fc.assert(
      fc.property(properties, (written) => {
        const bytes = encodeProperties(written);
        for (let end = 0; end < bytes.length; end++) assert.throws(() => decodeProperties(bytes, 0, end), malformed);
      }),
      { numRuns: 100 },
    );
  });

  test('any bytes either read or are malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeProperties(bytes, 0, bytes.length);
        } catch (error) {
          assert.ok(malformed(error), String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('the bytes are those that RabbitMQ puts in a content header', () => {
    const bytes = encodeProperties({ contentType: 'a/b', deliveryMode: 2, messageId: 'm1', timestamp: 1, type: 't' });
    assert.equal(bytes.toString('hex'), '90e003612f6202026d3100000000000000010174');
  });

  test('bytes behind the properties and unknown flags are malformed', () => {
    const bytes = encodeProperties({ type: 't' });
    assert.throws(() => decodeProperties(Buffer.concat([bytes, Buffer.alloc(1)]), 0, bytes.length + 1), malformed);
    assert.throws(() => decodeProperties(Buffer.from([0, 1]), 0, 2), malformed);
    assert.throws(() => decodeProperties(bytes, 0, bytes.length + 1), malformed);
  });

  test('a cluster id is read over, and a delivery mode that is not 2 is transient', () => {
    assert.deepStrictEqual(decodeProperties(Buffer.from('00040163', 'hex'), 0, 4), {});
    assert.deepStrictEqual(decodeProperties(Buffer.from('100000', 'hex'), 0, 3), { deliveryMode: 1 });
  });

  test('values that AMQP cannot carry are refused by name', () => {
    const long = 'é'.repeat(128);
    const refused: readonly [MessageProperties, RegExp][] = [
      [{ messageId: long }, /messageId of 256 bytes/],
      [{ type: long }, /type of 256 bytes/],
      [{ priority: 256 }, /priority/],
      [{ priority: 0.5 }, /priority/],
      [{ timestamp: -1 }, /timestamp/],
      [{ timestamp: 2 ** 53 }, /timestamp/],
      [{ headers: { a: () => 1 } }, /header 'a'/],
    ];
    for (const [bad, message] of refused) {
      assert.throws(
        () => encodeProperties(bad),
        (error) => malformed(error) && message.test(String(error)),
      );
    }
  });
});
