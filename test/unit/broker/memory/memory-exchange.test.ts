import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MemoryExchange, topicMatches } from '../../../../src/broker/memory/memory-exchange.ts';

describe('topicMatches', () => {
  test('follows the examples of the AMQP specification', () => {
    const cases: readonly [string, string, boolean][] = [
      ['*.stock.#', 'usd.stock', true],
      ['*.stock.#', 'eur.stock.db', true],
      ['*.stock.#', 'stock.nasdaq', false],
      ['#', '', true],
      ['#', 'a.b.c', true],
      ['*', '', false],
      ['*', 'a', true],
      ['*', 'a.b', false],
      ['a.#.b', 'a.b', true],
      ['a.#.b', 'a.x.y.b', true],
      ['a.#.b', 'a.x.y', false],
      ['#.#', 'a', true],
      ['a', 'a', true],
      ['a', 'b', false],
      ['', '', true],
      ['', 'a', false],
    ];
    for (const [pattern, key, matches] of cases)
      assert.equal(topicMatches(pattern, key), matches, `${pattern} and ${key}`);
  });

  test('agrees with a regular expression made of the pattern', () => {
    const word = fc.constantFrom('a', 'b');
    const pattern = fc.array(fc.oneof(word, fc.constantFrom('*', '#')), { minLength: 1, maxLength: 5 });
    const key = fc.array(word, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(pattern, key, (parts, words) => {
        // Each word is written with its dot, so that '#' is simply any number of words.
        const source = parts
          .map((part) => (part === '#' ? '(?:[ab]\\.)*' : part === '*' ? '[ab]\\.' : `${part}\\.`))
          .join('');
        const expected = new RegExp(`^${source}$`).test(words.map((w) => `${w}.`).join(''));
        assert.equal(topicMatches(parts.join('.'), words.join('.')), expected);
      }),
    );
  });
});

describe('MemoryExchange', () => {
  const routed = (exchange: MemoryExchange, key: string): readonly [boolean, ...string[]] => {
    const targets = { queues: new Set<string>(), exchanges: new Set<string>() };
    return [exchange.route(key, targets), ...targets.queues, ...targets.exchanges];
  };

  test('a queue bound twice is routed to once, and not at all after it is unbound', () => {
    const exchange = new MemoryExchange({ name: 'x', type: 'topic' });
    exchange.bindQueue('q', 'a.*');
    exchange.bindQueue('q', '#');
    exchange.bindQueue('other', '#');
    assert.deepEqual(routed(exchange, 'a.b'), [true, 'q', 'other']);
    exchange.unbindQueue('q');
    assert.deepEqual(routed(exchange, 'a.b'), [true, 'other']);
  });

  test('queues and exchanges bound with one key are both routed to, and outlive each other', () => {
    const exchange = new MemoryExchange({ name: 'x', type: 'direct' });
    exchange.bindQueue('q', 'k');
    exchange.bindExchange('y', 'k');
    assert.deepEqual(routed(exchange, 'k'), [true, 'q', 'y']);
    exchange.unbindQueue('q');
    assert.deepEqual(routed(exchange, 'k'), [true, 'y']);
    assert.deepEqual(routed(exchange, 'other'), [false]);
  });
});
