import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { deliveryId, messageMark } from '../../../src/batch/message-id.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('deliveryId', () => {
  it('is a UUIDv7 for any time, tag and mark, with the time in front', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 48 - 1), fc.integer({ min: 1, max: 2 ** 53 - 1 }), fc.integer(), (at, tag, mark) => {
        const id = deliveryId(at, tag, mark);
        assert.match(id, UUID_V7);
        assert.equal(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16), at);
      }),
    );
  });

  it('differs whenever the time, the tag or the mark does, and ascends with the tag', () => {
    const place = fc.tuple(fc.nat(2 ** 40), fc.integer({ min: 1, max: 2 ** 42 - 1 }), fc.nat(2 ** 32 - 1));
    fc.assert(
      fc.property(place, place, (a, b) => {
        assert.equal(deliveryId(...a) === deliveryId(...b), a.join() === b.join());
        const [at, tag, mark] = a;
        if (tag > 1) assert.ok(deliveryId(at, tag - 1, mark) < deliveryId(at, tag, mark));
      }),
    );
  });
});

describe('messageMark', () => {
  it('tells queues, epochs and runtimes apart', () => {
    const marks = [
      messageMark(1, 1, 'a'),
      messageMark(2, 1, 'a'),
      messageMark(1, 2, 'a'),
      messageMark(1, 1, 'b'),
      messageMark(1, 1, ''),
    ];
    assert.equal(new Set(marks).size, marks.length);
  });
});
