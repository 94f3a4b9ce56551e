/** Ten thousand messages with all kinds of delays: the levels hold each for its time, and hardly any for longer. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { Delays } from '../../src/broker/delays.ts';
import { queueTopology } from '../../src/broker/topology.ts';
import { slowFault } from '../support/fault-options.ts';
import { faultRandom, type SeededRandom } from '../support/fault-seed.ts';
import { RecordingSink } from '../support/recording-sink.ts';
import { amqpUrl, managementUrl, needs } from '../support/servers.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const MESSAGES = 10_000;
const SHORTEST_MS = 100;
const LONGEST_MS = 60_000;
const MOST_LATE_MS = 3_000;
const QUEUE = 'work.delayed';
const WINDOW = 1_000;
const there = { ...slowFault(needs(amqpUrl, managementUrl)), timeout: 300_000 };

test('of ten thousand delayed messages none is early or lost, and 99 in 100 are at most 3 s late', there, async (t) => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [host.url] });
  await broker.start();
  t.after(() => broker.stop());
  await broker.declare(queueTopology(QUEUE, 'quorum'));
  const delays = await measureReady(t, broker);
  const arrivals = await recordArrivals(broker);
  const dueAt = await sendAll(broker, delays, faultRandom(t));
  t.diagnostic(`published in ${Math.round(performance.now() - arrivals.since)} ms`);
  await arrivals.until(MESSAGES);

  const lateMs = [...dueAt].map(([id, due]) => (arrivals.at.get(id) ?? Number.NaN) - due).sort((a, b) => a - b);
  const late = (share: number): number => Math.round(lateMs[Math.ceil(share * MESSAGES) - 1] ?? Number.NaN);
  t.diagnostic(`late by ms: p50 ${late(0.5)}, p90 ${late(0.9)}, p99 ${late(0.99)}, most ${late(1)}`);
  assert.deepEqual(new Set(arrivals.at.keys()), new Set(dueAt.keys()));
  assert.equal(lateMs.filter((ms) => ms >= 0).length, MESSAGES, 'none is early');
  assert.ok(late(0.99) <= MOST_LATE_MS, `p99 of lateness is ${late(0.99)} ms`);
});

async function measureReady(t: TestContext, broker: Broker): Promise<Delays> {
  const times: string[] = [];
  const ready = async (delays: Delays): Promise<Delays> => {
    const from = performance.now();
    await delays.ready(QUEUE);
    times.push(`${Math.round(performance.now() - from)} ms`);
    return delays;
  };
  await ready(new Delays(broker, 'delay'));
  const delays = await ready(new Delays(broker, 'delay'));
  t.diagnostic(`levels declared in ${times[0]}, found by the next process in ${times[1]}`);
  return delays;
}

/** When each message came, by its id. */
async function recordArrivals(
  broker: Broker,
): Promise<{ readonly since: number; readonly at: Map<string, number>; until(count: number): Promise<void> }> {
  const sink = new RecordingSink();
  const at = new Map<string, number>();
  sink.onDelivery = ({ properties }) => at.set(properties.messageId ?? '', performance.now());
  sink.ackAllOf(await broker.consume({ queue: QUEUE, prefetch: 2_000 }, sink));
  return { since: performance.now(), at, until: (count) => sink.until(() => at.size >= count) };
}

/** Publishes all as fast as they are confirmed; when each is due, by its id. */
async function sendAll(broker: Broker, delays: Delays, random: SeededRandom): Promise<Map<string, number>> {
  const publisher = await broker.publisher({ window: WINDOW });
  const dueAt = new Map<string, number>();
  const send = async (id: string, delayMs: number): Promise<void> => {
    dueAt.set(id, performance.now() + delayMs);
    const properties = { deliveryMode: 2 as const, messageId: id };
    await publisher.publish({ ...delays.route(QUEUE, delayMs), properties, body: Buffer.alloc(200) });
  };
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < MESSAGES) await send(String(next++), random.integer(SHORTEST_MS, LONGEST_MS + 1));
  };
  await Promise.all(Array.from({ length: WINDOW }, sender));
  await publisher.close();
  return dueAt;
}
