import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeFieldTable, encodeFieldTable, type FieldTable } from '../../../src/batch/field-table.ts';
import { isRuntimeError } from '../../../src/errors/runtime-error.ts';

const malformed = (error: unknown): boolean => isRuntimeError(error, 'E_MESSAGE_MALFORMED');

/** Values that come back as they were written. */
const scalar = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constant(null),
  fc.constant(-0),
  fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 60n) }),
);
const name = fc.string({ maxLength: 20 });
const value = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, scalar, tie('list'), tie('nested')),
  list: fc.array(tie('any'), { maxLength: 5 }),
  nested: fc.dictionary(name, tie('any'), { maxKeys: 5 }).map(plain),
})).any;
const table: fc.Arbitrary<FieldTable> = fc.dictionary(name, value, { maxKeys: 8 }).map(plain);

/** deepEqual compares prototypes, and fast-check makes some dictionaries without one. */
function plain(source: FieldTable): FieldTable {
  const copy: FieldTable = {};
  for (const key of Object.keys(source)) {
    Object.defineProperty(copy, key, { value: source[key], writable: true, enumerable: true, configurable: true });
  }
  return copy;
}

describe('field table', () => {
  test('any table that can be written reads back as it was', () => {
    fc.assert(
      fc.property(table, (written) => {
        const bytes = encodeFieldTable(written);
        assert.deepStrictEqual(decodeFieldTable(bytes, 0, bytes.length), written);
      }),
    );
  });

  test('every truncation of a valid table is malformed', () => {
    fc.assert(
      fc.property(table, (written) => {
        const bytes = encodeFieldTable(written);
        for (let end = 0; end < bytes.length; end++) assert.throws(() => decodeFieldTable(bytes, 0, end), malformed);
      }),
      { numRuns: 50 },
    );
  });

  test('any bytes either read or are malformed, whatever they are', () => {
    const typed = fc.tuple(fc.constantFrom(...Array.from('tbBsuIilLfdDSATFVxq')), fc.uint8Array({ maxLength: 30 }));
    fc.assert(
      fc.property(typed, fc.boolean(), ([type, payload], honest) => {
        const entry = Buffer.concat([Buffer.from([1, 0x61]), Buffer.from(type), payload]);
        const length = Buffer.alloc(4);
        length.writeUInt32BE(honest ? entry.length : entry.length + 1);
        const bytes = Buffer.concat([length, entry]);
        try {
          decodeFieldTable(bytes, 0, bytes.length);
        } catch (error) {
          assert.ok(malformed(error), String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('every field type of RabbitMQ is read', () => {
    const cases: readonly [string, string, unknown][] = [
      ['t', '01', true],
      ['b', 'ff', -1],
      ['B', 'ff', 255],
      ['s', 'fffe', -2],
      ['u', 'fffe', 65534],
      ['I', 'fffffffd', -3],
      ['i', 'fffffffd', 4294967293],
      ['l', 'fffffffffffffffc', -4],
      ['l', '7fffffffffffffff', 2n ** 63n - 1n],
      ['L', '0000000000000005', 5],
      ['f', '3fc00000', 1.5],
      ['d', '3ff8000000000000', 1.5],
      ['D', '0200000089', 1.37],
      ['S', '00000002c3a9', 'é'],
      ['S', '00000002ff00', Buffer.from([0xff, 0])],
      ['A', '00000003567401', [null, true]],
      ['T', '0000000065920080', new Date(0x65920080 * 1000)],
      ['T', 'ffffffffffffffff', 2 ** 64],
      ['F', '00000000', {}],
      ['V', '', null],
      ['x', '00000001ff', Buffer.from([0xff])],
    ];
    for (const [type, payload, expected] of cases) {
      const entry = Buffer.concat([Buffer.from([1, 0x61]), Buffer.from(type), Buffer.from(payload, 'hex')]);
      const bytes = Buffer.concat([Buffer.from([0, 0, 0, entry.length]), entry]);
      assert.deepStrictEqual(decodeFieldTable(bytes, 0, bytes.length), { a: expected }, `type ${type} ${payload}`);
    }
  });

  test('integers are written as 32 bits where they fit, else as 64 bits', () => {
    const typeOf = (number: unknown): string => String.fromCharCode(encodeFieldTable({ a: number })[6] ?? 0);
    assert.equal(typeOf(2 ** 31 - 1), 'I');
    assert.equal(typeOf(-(2 ** 31)), 'I');
    assert.equal(typeOf(2 ** 31), 'l');
    assert.equal(typeOf(1n), 'l');
    assert.equal(typeOf(2 ** 60), 'd');
    assert.equal(typeOf(0.5), 'd');
  });

  test('what AMQP cannot carry is refused before a byte is written', () => {
    const cyclic: FieldTable = {};
    cyclic['self'] = cyclic;
    const cyclicList: unknown[] = [];
    cyclicList.push(cyclicList);
    const refused: readonly FieldTable[] = [
      { a: () => 1 },
      { a: Symbol('a') },
      { a: 2n ** 63n },
      { a: new Date(Number.NaN) },
      { a: new Date(-1) },
      { a: new Map([['b', 1]]) },
      { ['n'.repeat(256)]: 1 },
      { a: [undefined, () => 1] },
      { a: cyclicList },
      cyclic,
    ];
    for (const bad of refused) assert.throws(() => encodeFieldTable(bad), malformed);
  });

  test('an undefined entry is left out, an undefined item becomes null', () => {
    const bytes = encodeFieldTable({ a: undefined, b: [undefined] });
    assert.deepStrictEqual(decodeFieldTable(bytes, 0, bytes.length), { b: [null] });
  });

  test('tables nested without end are malformed instead of exhausting the stack', () => {
    const deep = Buffer.concat(
      Array.from({ length: 20_000 }, (_, level) => {
        const head = Buffer.alloc(6);
        head.writeUInt32BE((20_000 - level) * 6 - 4);
        head[5] = 0x46;
        return head;
      }),
    );
    assert.throws(() => decodeFieldTable(deep, 0, deep.length), malformed);
  });

  test('a header named __proto__ stays a header', () => {
    const entry = Buffer.concat([
      Buffer.from([9]),
      Buffer.from('__proto__'),
      Buffer.from('F'),
      Buffer.from([0, 0, 0, 0]),
    ]);
    const bytes = Buffer.concat([Buffer.from([0, 0, 0, entry.length]), entry]);
    const read = decodeFieldTable(bytes, 0, bytes.length);
    assert.deepStrictEqual(Object.keys(read), ['__proto__']);
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
  });

  test('what is read does not share memory with the bytes it came from', () => {
    const bytes = encodeFieldTable({ a: Buffer.from([1, 2]) });
    const read = decodeFieldTable(bytes, 0, bytes.length);
    bytes.fill(9);
    assert.deepStrictEqual(read, { a: Buffer.from([1, 2]) });
  });
});
