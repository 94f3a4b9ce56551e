import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MemoryQueue, type QueueSubscriber } from '../../../../src/broker/memory/memory-queue.ts';
import type { StoredMessage } from '../../../../src/broker/memory/stored-message.ts';

interface Taker extends QueueSubscriber {
  readonly taken: StoredMessage[];
  readonly slices: number[];
  room: number;
}

function taker(room: number): Taker {
  const taken: StoredMessage[] = [];
  const slices: number[] = [];
  const self: Taker = {
    taken,
    slices,
    room,
    hasCredit: () => taken.length < self.room,
    push: (message) => taken.push(message),
    pushEnded: () => slices.push(taken.length),
  };
  return self;
}

function filled(count: number, args: Record<string, string | number> = {}, dead: string[] = []): MemoryQueue {
  const queue = new MemoryQueue({ name: 'q', arguments: args }, (message, reason) =>
    dead.push(`${message.routingKey} ${reason}`),
  );
  for (let index = 0; index < count; index++) {
    queue.enqueue({
      source: Buffer.from([0, 0]),
      propertiesEnd: 2,
      exchange: '',
      routingKey: String(index),
      position: 0,
      returns: 0,
      expiresAt: Number.POSITIVE_INFINITY,
    });
  }
  return queue;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function drain(queue: MemoryQueue): Promise<readonly string[]> {
  const rest = taker(Number.POSITIVE_INFINITY);
  queue.subscribe(rest);
  while (queue.length > 0) await turn();
  return rest.taken.map(({ routingKey }) => routingKey);
}

describe('MemoryQueue', () => {
  test('a long queue is handed over in slices of 256, each followed by its end', async () => {
    const queue = filled(600);
    const one = taker(1000);
    queue.subscribe(one);
    assert.equal(one.taken.length, 0, 'nothing before the next macrotask');
    await turn();
    assert.deepEqual(one.slices, [256]);
    await turn();
    await turn();
    assert.deepEqual(one.slices, [256, 512, 600]);
  });

  test('subscribers take turns, and one without credit is passed over', async () => {
    const queue = filled(10);
    const [a, b, c] = [taker(100), taker(1), taker(100)];
    for (const each of [a, b, c]) queue.subscribe(each);
    await turn();
    assert.deepEqual(
      [a, b, c].map(({ taken }) => taken.map(({ routingKey }) => Number(routingKey))),
      [[0, 3, 5, 7, 9], [1], [2, 4, 6, 8]],
    );
  });

  test('whatever comes back in whatever order, the queue stays in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(30), fc.infiniteStream(fc.nat()), fc.nat(4), async (count, randoms, groups) => {
        const queue = filled(40);
        const one = taker(count);
        queue.subscribe(one);
        await turn();
        queue.unsubscribe(one);
        const shuffled = [...one.taken].sort(() => (randoms.next().value % 2 === 0 ? 1 : -1));
        const size = Math.max(1, Math.ceil(shuffled.length / (groups + 1)));
        for (let at = 0; at < shuffled.length; at += size) queue.giveBack(shuffled.slice(at, at + size));
        assert.equal(queue.length, 40);
        assert.deepEqual(
          (await drain(queue)).map(Number),
          Array.from({ length: 40 }, (_, index) => index),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('a full queue drops its oldest, or refuses when told so', async () => {
    const dead: string[] = [];
    const dropping = filled(5, { 'x-max-length': 3 }, dead);
    assert.equal(dropping.accepts(), true);
    assert.deepEqual(dead, ['0 maxlen', '1 maxlen']);
    assert.deepEqual(await drain(dropping), ['2', '3', '4']);
    assert.equal(filled(3, { 'x-max-length': 3, 'x-overflow': 'reject-publish' }).accepts(), false);
    assert.equal(filled(2, { 'x-max-length': 3, 'x-overflow': 'reject-publish' }).accepts(), true);
  });

  test('messages expire in the order they came, those that came back included, and never early', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    let now = 1000;
    context.mock.method(performance, 'now', () => now);
    const pass = (ms: number): void => {
      now += ms;
      context.mock.timers.tick(ms);
    };
    const dead: string[] = [];
    const queue = filled(2, { 'x-message-ttl': 100 }, dead);
    queue.setTimed(true);
    pass(60);
    const both = taker(2);
    queue.subscribe(both);
    await turn();
    queue.unsubscribe(both);
    pass(20);
    const first = both.taken[0] as StoredMessage;
    queue.enqueue({ ...first, routingKey: 'late' });
    queue.giveBack([first]);
    pass(19.5);
    assert.deepEqual(dead, []);
    pass(1);
    assert.deepEqual(dead, ['0 expired'], 'the other one is with its taker');
    pass(79);
    assert.equal(queue.length, 1);
    pass(1);
    assert.deepEqual(dead, ['0 expired', 'late expired']);
  });

  test('nothing expires while nobody is connected; what should have does at the next connection, in slices', async () => {
    const dead: string[] = [];
    const queue = filled(300, { 'x-message-ttl': 0 }, dead);
    await turn();
    assert.equal(queue.length, 300);
    queue.setTimed(true);
    const sizes = new Set<number>();
    for (; queue.length > 0; await turn()) sizes.add(dead.length);
    assert.deepEqual([...sizes], [0, 256]);
    assert.equal(dead.length, 300);
  });

  test('a quorum queue gives up a message that came back more often than its delivery limit', async () => {
    const dead: string[] = [];
    const queue = filled(1, { 'x-queue-type': 'quorum', 'x-delivery-limit': 2 }, dead);
    for (let times = 1; times <= 3; times++) {
      const one = taker(1);
      queue.subscribe(one);
      await turn();
      queue.unsubscribe(one);
      assert.deepEqual(dead, []);
      queue.giveBack(one.taken);
    }
    assert.deepEqual(dead, ['0 delivery_limit']);
    assert.equal(queue.length, 0);
  });
});
