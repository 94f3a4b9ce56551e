import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BatchReader } from '../../../src/batch/batch-reader.ts';
import { decodeProperties, encodeProperties, type MessageProperties } from '../../../src/batch/message-properties.ts';
import { makeBatch } from '../../support/make-batch.ts';

const short = fc.string({ unit: 'binary', maxLength: 60 });
const headers = fc.dictionary(
  fc.string({ maxLength: 20 }),
  fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.constant(null),
    fc.array(fc.integer()),
    fc.record({ inner: fc.string() }),
  ),
);
const properties: fc.Arbitrary<MessageProperties> = fc.record(
  {
    contentType: short,
    contentEncoding: short,
    headers: fc
      .tuple(
        headers,
        fc.record({ 'x-attempt': fc.integer({ min: 1, max: 1_000_000 }) }, { requiredKeys: [] }),
        fc.record({ 'x-start-by': fc.integer({ min: 1, max: 2 ** 45 }) }, { requiredKeys: [] }),
        headers,
      )
      .map(([before, attempt, startBy, between]) => ({ ...before, ...attempt, ...between, ...startBy })),
    deliveryMode: fc.constantFrom(1 as const, 2 as const),
    priority: fc.nat(255),
    correlationId: short,
    replyTo: short,
    expiration: fc.nat().map(String),
    messageId: short,
    timestamp: fc.nat(2 ** 31),
    type: short,
    userId: short,
    appId: short,
  },
  { requiredKeys: [] },
);

describe('BatchReader', () => {
  it('reads of any properties what decoding them says', () => {
    const message = fc.record({
      properties,
      body: fc.uint8Array({ maxLength: 80 }),
      redelivered: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), fc.nat(200), (messages, slack) => {
        const reader = new BatchReader(makeBatch(messages, { slackBytes: slack }), 'calls');
        assert.equal(reader.count, messages.length);
        messages.forEach((expected, record) => {
          reader.moveTo(record);
          const obvious = expected.properties;
          assert.equal(reader.problem, undefined);
          assert.equal(reader.type(), obvious.type ?? '');
          assert.equal(reader.hasType, (obvious.type ?? '') !== '');
          assert.equal(reader.hasId, (obvious.messageId ?? '') !== '');
          if (reader.hasId) assert.equal(reader.id(), obvious.messageId);
          assert.equal(
            reader.bytes.toString('utf8', reader.contentTypeStart, reader.contentTypeEnd),
            obvious.contentType ?? '',
          );
          assert.equal(
            reader.bytes.toString('utf8', reader.encodingStart, reader.encodingEnd),
            obvious.contentEncoding ?? '',
          );
          assert.equal(reader.redelivered, expected.redelivered);
          const attempt = obvious.headers?.['x-attempt'];
          assert.equal(reader.attempt, typeof attempt === 'number' ? attempt : 1);
          assert.equal(reader.firstAttempt, attempt === undefined);
          assert.equal(reader.startByMs, obvious.headers?.['x-start-by'] ?? 0);
          assert.equal(reader.timestampMs, (obvious.timestamp ?? 0) * 1_000);
          assert.deepEqual(
            reader.properties(),
            decodeProperties(encodeProperties(obvious), 0, encodeProperties(obvious).length),
          );
          assert.deepEqual(new Uint8Array(reader.bytes.subarray(reader.bodyStart, reader.bodyEnd)), expected.body);
        });
      }),
    );
  });

  it('judges damaged properties like the decoder does, and no neighbour suffers', () => {
    const damage = fc.record({ at: fc.nat(1000), value: fc.nat(255), cut: fc.nat(10) });
    fc.assert(
      fc.property(properties, damage, fc.uint8Array({ maxLength: 30 }), (good, { at, value, cut }, body) => {
        const bytes = encodeProperties(good);
        bytes[at % bytes.length] = value;
        const damaged = bytes.subarray(0, Math.max(0, bytes.length - cut));
        const reader = new BatchReader(
          makeBatch([
            { properties: { type: 'before' } },
            { rawProperties: damaged, body },
            { properties: { type: 'after' } },
          ]),
          'calls',
        );
        reader.moveTo(1);
        const obvious = tryDecode(damaged);
        // The reader hops over tables inside tables and does not look into them, so it may pass what the decoder refuses.
        if (reader.problem !== undefined) assert.equal(obvious, undefined, reader.problem);
        else if (obvious !== undefined) assert.equal(reader.type(), obvious.type ?? '');
        assert.ok(reader.attempt >= 1);
        assert.ok(reader.startByMs >= 0 && reader.timestampMs >= 0);
        if (reader.problem === undefined && obvious !== undefined)
          assert.equal(reader.timestampMs, (obvious.timestamp ?? 0) * 1_000);
        reader.moveTo(0);
        assert.equal(reader.type(), 'before');
        reader.moveTo(2);
        assert.equal(reader.type(), 'after');
        assert.equal(reader.problem, undefined);
      }),
      { numRuns: 1000 },
    );
  });

  it('finds the attempt in whatever integer width it was written', () => {
    const table = (type: string, ...value: number[]): Buffer => {
      const entry = Buffer.from([9, ...Buffer.from('x-attempt'), type.charCodeAt(0), ...value]);
      return Buffer.from([0x20, 0, 0, 0, 0, entry.length, ...entry]);
    };
    const cases: [Buffer, number][] = [
      [table('b', 7), 7],
      [table('b', 0xff), 1], // −1 is no attempt
      [table('B', 0xff), 255],
      [table('s', 1, 0), 256],
      [table('u', 0xff, 0xff), 65535],
      [table('I', 0, 0, 0, 9), 9],
      [table('i', 0, 1, 0, 0), 65536],
      [table('l', 0, 0, 0, 0, 0, 0, 0, 4), 4],
      [table('l', 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 1], // no exact number
      [table('t', 1), 1],
      [table('S', 0, 0, 0, 1, 0x35), 1], // the string "5"
    ];
    for (const [rawProperties, attempt] of cases) {
      const reader = new BatchReader(makeBatch([{ rawProperties }]), 'calls');
      reader.moveTo(0);
      assert.equal(reader.problem, undefined);
      assert.equal(reader.attempt, attempt);
    }
  });

  it('gives messages without an id the same ids whenever the slab is run', () => {
    const batch = (): ArrayBuffer =>
      makeBatch([{}, {}, { properties: { messageId: '' } }], { firstTag: 41, salt: 9, epoch: 2 });
    const ids = (buffer: ArrayBuffer, queue: string): string[] => {
      const reader = new BatchReader(buffer, queue);
      return [0, 1, 2].map((record) => (reader.moveTo(record), reader.id()));
    };
    const first = ids(batch(), 'calls');
    assert.deepEqual(ids(batch(), 'calls'), first);
    assert.equal(new Set([...first, ...ids(batch(), 'other')]).size, 6, 'another queue has tags of its own');
    const moved = new BatchReader(makeBatch([{}], { firstTag: 42, salt: 9, epoch: 2 }), 'calls');
    moved.moveTo(0);
    assert.equal(moved.id(), first[1], 'the id belongs to the tag, not to the place in the batch');
  });

  it('refuses a buffer that holds no whole batch', () => {
    assert.throws(() => new BatchReader(new ArrayBuffer(64), 'calls'), /holds no batch/);
    const batch = makeBatch([{ body: Buffer.alloc(100) }]);
    new DataView(batch).setUint32(64 + 4, 5000, true);
    assert.throws(() => new BatchReader(batch, 'calls'), /ends behind the batch/);
  });
});

function tryDecode(bytes: Buffer): MessageProperties | undefined {
  try {
    return decodeProperties(bytes, 0, bytes.length);
  } catch {
    return undefined;
  }
}
