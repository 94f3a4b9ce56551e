import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DELAY_LEVELS,
  DELAY_UNIT_MS,
  delayBinding,
  delayMarker,
  delayRoute,
  delayTopology,
  LONGEST_LEVELS_DELAY_MS,
  undeliveredName,
} from '../../../src/broker/delay-topology.ts';
import { mergeTopologies } from '../../../src/broker/topology.ts';
import { isRuntimeError } from '../../../src/errors/runtime-error.ts';
import { LONGEST_DELAY_MS } from '../../../src/task/retry-policy.ts';
import { follow } from '../../reference/naive-topology-router.ts';

const PREFIX = 'millrace.delay';

/** Names that could be mistaken for one another, and any other. */
const queueName = fc
  .oneof(
    fc.constantFrom(
      'b',
      'a.b',
      'b.b',
      '.b',
      'b.',
      '.',
      '..',
      '*',
      '#',
      '*.b',
      '#.b',
      '=b',
      '=',
      '0',
      '1',
      '1.0',
      ' ',
      'ä',
    ),
    fc.constantFrom(
      'x'.repeat(191),
      'x'.repeat(192),
      'x'.repeat(255),
      'ä'.repeat(96),
      `y.${'x'.repeat(253)}`,
      'x\u0000y',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '#', '='), minLength: 1, maxLength: 6 }),
  )
  .filter((name) => Buffer.byteLength(name) <= 255);

const delay = fc.oneof(
  fc.integer({ min: 0, max: LONGEST_LEVELS_DELAY_MS }),
  fc.integer({ min: 0, max: 70_000 }),
  fc.nat(DELAY_LEVELS - 1).map((level) => 2 ** level * DELAY_UNIT_MS),
  fc.double({ min: 0, max: 5_000, noNaN: true }),
);

test('a delayed message comes to its own queue only, after its delay rounded up to 100 ms', () => {
  const names = fc.uniqueArray(queueName, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(names, delay, (queues, delayMs) => {
      const topology = mergeTopologies([delayTopology(PREFIX), ...queues.map((queue) => delayBinding(PREFIX, queue))]);
      const waitedMs = Math.max(DELAY_UNIT_MS, Math.ceil(delayMs / DELAY_UNIT_MS) * DELAY_UNIT_MS);
      for (const queue of queues) {
        const { exchange, routingKey } = delayRoute(PREFIX, queue, delayMs);
        assert.deepEqual(follow(topology, exchange, routingKey), [{ queue, waitedMs }]);
      }
    }),
    { numRuns: 300 },
  );
});

test('what waited for a queue that is gone comes to the undelivered queue', () => {
  const topology = mergeTopologies([delayTopology(PREFIX), delayBinding(PREFIX, 'other')]);
  const { exchange, routingKey } = delayRoute(PREFIX, 'gone', 700);
  assert.deepEqual(follow(topology, exchange, routingKey), [{ queue: undeliveredName(PREFIX), waitedMs: 700 }]);
});

test('every routing key and binding fits in the 255 bytes of a short string', () => {
  fc.assert(
    fc.property(queueName, delay, (queue, delayMs) => {
      const { routingKey } = delayRoute(PREFIX, queue, delayMs);
      const [binding] = delayBinding(PREFIX, queue).bindings;
      assert.ok(Buffer.byteLength(routingKey) <= 255);
      assert.ok(binding !== undefined && Buffer.byteLength(binding.routingKey) <= 255);
    }),
  );
});

test('a message is stored once for each 1 in its delay, in the longest level first', () => {
  assert.deepEqual(delayRoute(PREFIX, 'orders', 1_300), {
    exchange: 'millrace.delay.enter',
    routingKey: '3.2.0.>.orders',
  });
  for (let level = 0; level < DELAY_LEVELS; level++) {
    const { routingKey } = delayRoute(PREFIX, 'orders', 2 ** level * DELAY_UNIT_MS);
    assert.equal(routingKey, `${level}.>.orders`);
  }
});

test('the levels hold every delay that a retry may ask for, and refuse what is longer', () => {
  assert.ok(LONGEST_LEVELS_DELAY_MS >= LONGEST_DELAY_MS);
  const longest = delayRoute(PREFIX, 'orders', LONGEST_LEVELS_DELAY_MS);
  assert.equal(longest.routingKey.split('.').length, DELAY_LEVELS + 2);
  for (const delayMs of [LONGEST_LEVELS_DELAY_MS + 1, Number.POSITIVE_INFINITY, Number.NaN]) {
    assert.throws(
      () => delayRoute(PREFIX, 'orders', delayMs),
      (error) => isRuntimeError(error, 'E_OPTION_RANGE') && error.message.includes('19 days'),
    );
  }
});

test('a delay of nothing, or less, is the shortest there is', () => {
  for (const delayMs of [0, -1, Number.NEGATIVE_INFINITY])
    assert.deepEqual(delayRoute(PREFIX, 'orders', delayMs), delayRoute(PREFIX, 'orders', DELAY_UNIT_MS));
});

test('two prefixes share nothing', () => {
  const names = (prefix: string): readonly string[] => {
    const topology = mergeTopologies([delayTopology(prefix), delayMarker(prefix)]);
    return [...topology.exchanges, ...topology.queues].map(({ name }) => name);
  };
  const others = new Set(names('other'));
  assert.deepEqual(
    names(PREFIX).filter((name) => others.has(name)),
    [],
  );
});

test('the queues of the levels lose nothing on the way', () => {
  for (const { name, arguments: args } of delayTopology(PREFIX).queues) {
    assert.equal(args['x-queue-type'], 'quorum', name);
    if (name === undeliveredName(PREFIX)) continue;
    assert.equal(args['x-dead-letter-strategy'], 'at-least-once', name);
    assert.equal(args['x-overflow'], 'reject-publish', name);
    assert.ok(!('x-dead-letter-routing-key' in args), 'each level reads its own digit of the key');
  }
});
