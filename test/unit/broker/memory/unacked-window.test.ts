import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { StoredMessage } from '../../../../src/broker/memory/stored-message.ts';
import { UnackedWindow } from '../../../../src/broker/memory/unacked-window.ts';

function message(position: number): StoredMessage {
  const expiresAt = Number.POSITIVE_INFINITY;
  return { source: Buffer.alloc(0), propertiesEnd: 0, exchange: '', routingKey: '', position, returns: 0, expiresAt };
}

describe('UnackedWindow', () => {
  test('keeps the same messages as a map by tag, whatever is acked in whatever order', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constant('add' as const) },
      { weight: 3, arbitrary: fc.constant('take' as const) },
      { weight: 1, arbitrary: fc.constantFrom('through' as const, 'all' as const) },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.nat(500)), { maxLength: 400 }), (steps) => {
        const window = new UnackedWindow();
        const model = new Map<number, StoredMessage>();
        let tags = 0;
        for (const [kind, value] of steps) {
          const tag = value % (tags + 2);
          if (kind === 'add') {
            const added = message(tags);
            assert.equal(window.add(added), ++tags);
            model.set(tags, added);
          } else if (kind === 'take') {
            assert.equal(window.has(tag), model.has(tag));
            assert.equal(window.take(tag), model.get(tag));
            model.delete(tag);
          } else if (kind === 'through') {
            window.dropThrough(tag);
            for (const known of [...model.keys()]) if (known <= tag) model.delete(known);
          } else {
            assert.deepEqual(window.takeAll(), [...model.values()]);
            model.clear();
          }
          assert.equal(window.size, model.size);
        }
        assert.deepEqual(window.takeAll(), [...model.values()]);
      }),
    );
  });

  test('one old tag may stay open while thousands come and go', () => {
    const window = new UnackedWindow();
    const oldest = message(0);
    window.add(oldest);
    for (let tag = 2; tag <= 10_000; tag++) {
      assert.equal(window.add(message(tag)), tag);
      assert.ok(window.take(tag));
    }
    assert.equal(window.size, 1);
    assert.equal(window.take(1), oldest);
  });

  test('dropping everything takes any tag as the last', () => {
    const window = new UnackedWindow();
    for (let index = 0; index < 100; index++) window.add(message(index));
    window.dropThrough(Number.POSITIVE_INFINITY);
    assert.equal(window.size, 0);
    assert.equal(window.add(message(0)), 101);
  });
});
