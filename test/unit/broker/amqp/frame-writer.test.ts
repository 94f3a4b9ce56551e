import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FrameWriter } from '../../../../src/broker/amqp/frame-writer.ts';
import { BASIC_CONSUME } from '../../../../src/broker/amqp/methods.ts';
import { WireReader } from '../../../../src/broker/amqp/wire-reader.ts';
import { isRuntimeError } from '../../../../src/errors/runtime-error.ts';
import { HEARTBEAT, method, shortString, u8, u64 } from '../../../support/amqp-frames.ts';

const tag = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const channel = fc.integer({ min: 1, max: 65_535 });

describe('frame writer', () => {
  test('acks and nacks are the frames of the specification, for any tag up to 2^53, in the order of the calls', () => {
    const call = fc.record({ channel, tag, kind: fc.constantFrom('ack', 'ack all', 'nack', 'requeue') });
    const property = fc.property(fc.array(call, { maxLength: 400 }), (calls) => {
      const writer = new FrameWriter();
      const expected = calls.map((each) => {
        const isAck = each.kind.startsWith('ack');
        if (isAck) writer.ack(each.channel, each.tag, each.kind === 'ack all');
        else writer.nack(each.channel, each.tag, each.kind === 'requeue');
        const bits = { ack: 0, 'ack all': 1, nack: 0, requeue: 2 }[each.kind];
        return method(each.channel, 60, isAck ? 80 : 120, u64(each.tag), u8(bits));
      });
      const written = writer.take();
      assert.deepEqual(written ?? Buffer.alloc(0), Buffer.concat(expected));
      assert.equal(writer.take(), undefined);
    });
    fc.assert(property);
  });

  test('what was taken stays as it is while the writer goes on', () => {
    const writer = new FrameWriter();
    writer.heartbeat();
    const taken = writer.take();
    writer.ack(1, 1, false);
    assert.deepEqual(taken, HEARTBEAT);
    writer.discard();
    assert.equal(writer.take(), undefined);
  });

  test('a name longer than AMQP can carry is refused, not cut', () => {
    const writer = new FrameWriter();
    writer.begin(1, BASIC_CONSUME).shortString('q'.repeat(255));
    assert.throws(
      () => writer.shortString('ü'.repeat(128)),
      (error: unknown) => isRuntimeError(error, 'E_OPTION_RANGE'),
    );
  });

  test('a table that is written is read back', () => {
    const value = fc.letrec<{ table: Record<string, unknown>; value: unknown }>((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, fc.string(), fc.boolean(), tie('table')),
      table: fc.dictionary(fc.string({ maxLength: 20 }), tie('value'), { noNullPrototype: true }),
    })).table;
    const property = fc.property(value, (table) => {
      const writer = new FrameWriter();
      writer
        .begin(1, BASIC_CONSUME)
        .table(table as Record<string, string>)
        .end();
      const bytes = writer.take() as Buffer;
      const reader = new WireReader(bytes, 11, bytes.length - 1);
      assert.deepEqual(asObject(reader.table()), table);
      reader.expectEnd();
    });
    fc.assert(property);
  });
});

describe('wire reader', () => {
  test('fields of every other type are passed over', () => {
    const sizes = { V: 0, b: 1, B: 1, s: 2, u: 2, I: 4, i: 4, f: 4, D: 5, l: 8, d: 8, T: 8 };
    const fields = Object.entries(sizes).map(([type, size]) =>
      Buffer.concat([shortString(type), Buffer.from(type), Buffer.alloc(size)]),
    );
    fields.push(Buffer.concat([shortString('x'), Buffer.from('x\0\0\0\x02ab')]));
    fields.push(Buffer.concat([shortString('A'), Buffer.from('A\0\0\0\x02t\x01')]));
    fields.push(Buffer.concat([shortString('last'), Buffer.from('S\0\0\0\x02ok')]));
    const bytes = Buffer.concat(fields);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes.length);
    const table = new WireReader(Buffer.concat([head, bytes]), 0, bytes.length + 4).table();
    assert.equal(table.get('last'), 'ok');
    assert.equal(table.size, fields.length);
  });

  test('tables nested as deep as a frame allows are refused, not a stack overflow', () => {
    const levels = 20_000;
    const bytes = Buffer.alloc(4 + 6 * levels); // size, then for each level: no name, 'F', size
    bytes.writeUInt32BE(6 * levels, 0);
    for (let level = 0; level < levels; level++) {
      bytes.write('F', 4 + 6 * level + 1, 'latin1');
      bytes.writeUInt32BE(6 * (levels - 1 - level), 4 + 6 * level + 2);
    }
    assert.throws(
      () => new WireReader(bytes, 0, bytes.length).table(),
      (error) => isRuntimeError(error, 'E_BROKER_PROTOCOL'),
    );
  });

  test('any bytes give a table or E_BROKER_PROTOCOL', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        new WireReader(Buffer.from(bytes), 0, bytes.length).table();
      } catch (error) {
        assert.ok(isRuntimeError(error, 'E_BROKER_PROTOCOL'), String(error));
      }
    });
    fc.assert(property, { numRuns: 2000 });
  });
});

function asObject(table: Map<string, unknown>): Record<string, unknown> {
  const entries = [...table].map(([name, value]) => [name, value instanceof Map ? asObject(value) : value] as const);
  return Object.fromEntries(entries);
}
