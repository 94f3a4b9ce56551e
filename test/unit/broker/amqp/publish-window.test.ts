import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PublishWindow } from '../../../../src/broker/amqp/publish-window.ts';
import { isRuntimeError } from '../../../../src/errors/runtime-error.ts';

describe('publish window', () => {
  test('each confirm takes out what it names, lowest first, as a map by tag would', () => {
    const step = fc.record({
      kind: fc.constantFrom('add', 'add', 'add', 'one', 'many', 'all'),
      pick: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    });
    const property = fc.property(fc.array(step, { maxLength: 600 }), fc.integer({ min: 1, max: 40 }), (steps, most) => {
      const window = new PublishWindow<string>(most);
      const open = new Map<number, string>();
      let next = 1;
      for (const { kind, pick } of steps) {
        if (kind === 'add') {
          if (open.size === most) continue;
          assert.equal(window.add(`m${next}`), next);
          open.set(next, `m${next}`);
          next++;
        } else {
          // Mostly recent ones: what is left becomes a laggard.
          const tag = kind === 'all' ? 0 : Math.floor(pick * next);
          if (tag === 0 && kind === 'one') continue;
          const named = [...open].filter(([at]) => (kind === 'one' ? at === tag : tag === 0 || at <= tag));
          for (const [at] of named) open.delete(at);
          assert.deepEqual(
            window.take(tag, kind !== 'one'),
            named.map(([, item]) => item),
          );
        }
        assert.equal(window.size, open.size);
      }
      assert.deepEqual(window.takeAll(), [...open.values()]);
      assert.equal(window.size, 0);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('one that is never settled costs a place, not one for each message behind it', () => {
    const window = new PublishWindow<number>(10);
    window.add(1);
    for (let tag = 2; tag <= 100_000; tag++) {
      window.add(tag);
      assert.deepEqual(window.take(tag, false), [tag]);
    }
    assert.equal(window.size, 1);
    assert.deepEqual(window.take(1, false), [1]);
    assert.deepEqual(window.take(1, false), [], 'twice is not twice');
  });

  test('what is looked for is found from a tag on', () => {
    const window = new PublishWindow<string>(8);
    for (const item of ['a', 'b', 'a', 'c']) window.add(item);
    assert.deepEqual(
      window.find(1, (item) => item === 'a'),
      { tag: 1, item: 'a' },
    );
    assert.deepEqual(
      window.find(2, (item) => item === 'a'),
      { tag: 3, item: 'a' },
    );
    window.take(3, false);
    assert.equal(
      window.find(2, (item) => item === 'a'),
      undefined,
    );
  });

  test('a confirm of what was never published is not valid AMQP', () => {
    const window = new PublishWindow<string>(8);
    window.add('a');
    for (const multiple of [true, false])
      assert.throws(
        () => window.take(2, multiple),
        (error: unknown) => isRuntimeError(error, 'E_BROKER_PROTOCOL'),
      );
  });
});
