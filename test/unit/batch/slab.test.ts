import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BATCH_MAGIC,
  HEADER_BYTES,
  HEADER_COUNT,
  HEADER_FIRST_TAG,
  HEADER_OPENED_AT,
  HEADER_SALT,
  HEADER_TOTAL_BYTES,
  RECORD_GAP,
  RECORD_HEADER_BYTES,
  RECORD_REDELIVERED,
  recordBytes,
} from '../../../src/batch/batch-layout.ts';
import { batchBytes, packBatch } from '../../../src/batch/batch-packer.ts';
import type { RawDelivery } from '../../../src/batch/raw-delivery.ts';
import { Slab, slabBytes } from '../../../src/batch/slab.ts';

interface Message {
  readonly properties: Uint8Array;
  readonly body: Uint8Array;
  readonly redelivered: boolean;
  /** Bytes between properties and body in the reader's memory. */
  readonly gap: number;
}

const message: fc.Arbitrary<Message> = fc.record({
  properties: fc.uint8Array({ maxLength: 40 }),
  body: fc.uint8Array({ maxLength: 300 }),
  redelivered: fc.boolean(),
  gap: fc.constantFrom(0, 8, 20, 64, 65, 300),
});

function asRaw({ properties, body, redelivered, gap }: Message, tag: number): RawDelivery {
  const source = Buffer.concat([
    Buffer.alloc(3, 0xee),
    properties,
    Buffer.alloc(gap, 0xdd),
    body,
    Buffer.alloc(2, 0xcc),
  ]);
  const bodyStart = 3 + properties.length + gap;
  return {
    tag,
    redelivered,
    source,
    propertiesStart: 3,
    propertiesEnd: 3 + properties.length,
    bodyStart,
    bodyEnd: bodyStart + body.length,
  };
}

/** The obvious reader: walks the drawing of batch-layout.ts. */
function readObviously(buffer: ArrayBuffer): { tags: number[]; messages: Omit<Message, 'gap'>[] } {
  const view = new DataView(buffer);
  assert.equal(view.getUint32(0, true), BATCH_MAGIC);
  const count = view.getUint32(HEADER_COUNT, true);
  const firstTag = view.getFloat64(HEADER_FIRST_TAG, true);
  const messages: Omit<Message, 'gap'>[] = [];
  let at = HEADER_BYTES;
  for (let n = 0; n < count; n++) {
    const propertiesBytes = view.getUint32(at, true);
    const bodyBytes = view.getUint32(at + 4, true);
    const start = at + RECORD_HEADER_BYTES;
    const bodyStart = start + propertiesBytes + view.getUint16(at + RECORD_GAP, true);
    messages.push({
      properties: new Uint8Array(buffer.slice(start, start + propertiesBytes)),
      body: new Uint8Array(buffer.slice(bodyStart, bodyStart + bodyBytes)),
      redelivered: (view.getUint32(at + 8, true) & RECORD_REDELIVERED) !== 0,
    });
    at += recordBytes(bodyStart - start + bodyBytes);
  }
  assert.equal(at, view.getUint32(HEADER_TOTAL_BYTES, true));
  return { tags: messages.map((_, n) => firstTag + n), messages };
}

test('any range of a slab packs into a batch that reads back as the same messages', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 40 }), fc.nat(), fc.nat(), (messages, a, b) => {
      const slab = new Slab(1 << 15, 64);
      slab.reset(7, 1001);
      messages.forEach((one, n) => {
        const [raw, before] = [asRaw(one, 1001 + n), slab.end];
        slab.append(raw, n);
        assert.equal(slab.end - before, slabBytes(raw));
      });
      const from = a % messages.length;
      const count = 1 + (b % (messages.length - from));
      const target = new ArrayBuffer(batchBytes(slab, from, count) + 64);
      packBatch(
        { slab, fromRecord: from, count },
        { openedAtMs: 1.5, openedMonotonicMs: 2.5, salt: 0xfedcba98 },
        target,
      );
      const read = readObviously(target);
      assert.deepEqual(
        read.tags,
        Array.from({ length: count }, (_, n) => 1001 + from + n),
      );
      const expected = messages
        .slice(from, from + count)
        .map(({ properties, body, redelivered }) => ({ properties, body, redelivered }));
      assert.deepEqual(read.messages, expected);
      const view = new DataView(target);
      assert.equal(view.getFloat64(HEADER_OPENED_AT, true), 1.5);
      assert.equal(view.getUint32(HEADER_SALT, true), 0xfedcba98);
      expected.forEach((one, n) => {
        const record = slab.record(from + n);
        assert.deepEqual(new Uint8Array(record.properties), one.properties);
        assert.deepEqual(new Uint8Array(record.body), one.body);
        assert.equal(record.redelivered, one.redelivered);
      });
    }),
    { numRuns: 500 },
  );
});

test('a slab is full by bytes or by records', () => {
  const slab = new Slab(64, 2);
  slab.reset(1, 1);
  assert.equal(slab.fits(64), true);
  assert.equal(slab.fits(68), false);
  const empty = { properties: new Uint8Array(0), body: new Uint8Array(0), redelivered: false, gap: 0 };
  slab.append(asRaw(empty, 1), 0);
  slab.append(asRaw(empty, 2), 0);
  assert.equal(slab.fits(16), false);
});
