import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delayBinding, delayMarker, delayTopology } from '../../../src/broker/delay-topology.ts';
import { Delays } from '../../../src/broker/delays.ts';
import type { Topology } from '../../../src/broker/topology.ts';

/** Keeps what it was told to declare, in order, and fails as often as it was told to. */
class DeclaringBroker {
  readonly declared: Topology[] = [];
  asked = 0;
  failures = 0;
  gate: Promise<void> = Promise.resolve();

  async declare(topology: Topology): Promise<void> {
    await this.gate;
    if (this.failures-- > 0) throw new Error('not now');
    this.declared.push(topology);
  }

  async exchangeExists(name: string): Promise<boolean> {
    this.asked++;
    return this.declared.some(({ exchanges }) => exchanges.some((exchange) => exchange.name === name));
  }
}

const levels = delayTopology('d');
const marker = delayMarker('d');

test('the first use declares the levels, then the marker, then the way to the queue', async () => {
  const broker = new DeclaringBroker();
  await new Delays(broker, 'd').ready('orders');
  assert.deepEqual(broker.declared, [levels, marker, delayBinding('d', 'orders')]);
});

test('a process that finds the marker declares only the ways to its queues', async () => {
  const broker = new DeclaringBroker();
  await new Delays(broker, 'd').ready('orders');
  broker.declared.splice(2);
  const second = new Delays(broker, 'd');
  await Promise.all([second.ready('orders'), second.ready('calls'), second.ready('orders')]);
  await second.ready('calls');
  assert.deepEqual(broker.declared.slice(2), [delayBinding('d', 'orders'), delayBinding('d', 'calls')]);
  assert.equal(broker.asked, 2, 'once a process');
});

test('uses at the same time declare everything once', async () => {
  const broker = new DeclaringBroker();
  const delays = new Delays(broker, 'd');
  await Promise.all([delays.ready('orders'), delays.ready('calls'), delays.ready('orders')]);
  assert.equal(broker.declared.length, 4);
});

test('a failure is told to all who wait, and the next use tries again', async () => {
  for (const failures of [1, 2, 3]) {
    const broker = new DeclaringBroker();
    broker.failures = failures;
    const delays = new Delays(broker, 'd');
    for (let failed = 0; failed < failures; failed++) {
      const results = await Promise.allSettled([delays.ready('orders'), delays.ready('orders')]);
      assert.deepEqual(
        results.map(({ status }) => status),
        ['rejected', 'rejected'],
      );
    }
    await delays.ready('orders');
    assert.ok(broker.declared.includes(levels) || broker.declared.length === 3);
    assert.deepEqual(broker.declared.at(-1), delayBinding('d', 'orders'));
  }
});

test('after a level was found missing everything is declared again, whatever the marker says', async () => {
  const broker = new DeclaringBroker();
  const delays = new Delays(broker, 'd');
  await delays.ready('orders');
  broker.declared.splice(0);
  broker.declared.push(marker);
  delays.forget();
  await Promise.all([delays.ready('orders'), delays.ready('calls')]);
  assert.deepEqual(broker.declared.slice(1), [levels, marker, delayBinding('d', 'orders'), delayBinding('d', 'calls')]);
});

test('a failure from before forgetting does not undo what was declared after it', async () => {
  const broker = new DeclaringBroker();
  let fail = (): void => {};
  const slow = new Promise<boolean>((_, reject) => {
    fail = () => reject(new Error('too late'));
  });
  const delays = new Delays({ declare: (topology) => broker.declare(topology), exchangeExists: () => slow }, 'd');
  const early = delays.ready('orders');
  delays.forget();
  await delays.ready('orders');
  fail();
  await assert.rejects(early, /too late/);
  const { length } = broker.declared;
  await delays.ready('orders');
  await delays.ready('calls');
  assert.deepEqual(broker.declared.slice(length), [delayBinding('d', 'calls')]);
});

test('messages that come back while everything is declared again do not start that over', async () => {
  const broker = new DeclaringBroker();
  const delays = new Delays(broker, 'd');
  await delays.ready('orders');
  broker.declared.splice(0);
  let open = (): void => {};
  broker.gate = new Promise((resolve) => {
    open = resolve;
  });
  const again: Promise<void>[] = [];
  for (let returned = 0; returned < 50; returned++) {
    delays.forget();
    again.push(delays.ready('orders'));
    await Promise.resolve();
  }
  open();
  await Promise.all(again);
  assert.deepEqual(broker.declared, [levels, marker, delayBinding('d', 'orders')]);
});

test('of a queue known to be gone only the way to it is declared again', async () => {
  const broker = new DeclaringBroker();
  const delays = new Delays(broker, 'd');
  await Promise.all([delays.ready('orders'), delays.ready('calls')]);
  broker.declared.splice(0);
  delays.forget('orders');
  await Promise.all([delays.ready('orders'), delays.ready('calls')]);
  assert.deepEqual(broker.declared, [delayBinding('d', 'orders')]);
});
