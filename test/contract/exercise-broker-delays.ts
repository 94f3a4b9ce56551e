import assert from 'node:assert/strict';
import type { MessageProperties } from '../../src/batch/message-properties.ts';
import { BROKER_HEADERS } from '../../src/batch/task-headers.ts';
import type { Broker, Publisher } from '../../src/broker/broker.ts';
import { levelName, undeliveredName } from '../../src/broker/delay-topology.ts';
import { Delays } from '../../src/broker/delays.ts';
import { type BrokerTrial, consume, rejectsWith } from './broker-rig.ts';
import type { BrokerCase } from './exercise-broker.ts';

/** Levels of a test's own, and what a test does with them. */
class DelayTrial {
  readonly delays: Delays;
  readonly #trial: BrokerTrial;
  readonly #broker: Broker;
  readonly #publisher: Publisher;

  private constructor(trial: BrokerTrial, broker: Broker, publisher: Publisher, prefix: string) {
    const declare: Broker['declare'] = (topology) => trial.declare(broker, topology);
    this.delays = new Delays({ declare, exchangeExists: (name) => broker.exchangeExists(name) }, prefix);
    this.#trial = trial;
    this.#broker = broker;
    this.#publisher = publisher;
  }

  static async open(trial: BrokerTrial, broker: Broker, prefix: string = trial.name('delay')): Promise<DelayTrial> {
    return new DelayTrial(trial, broker, await broker.publisher({ window: 100 }), prefix);
  }

  async queue(name: string = this.#trial.name('queue')): Promise<string> {
    await this.#trial.declare(this.#broker, { queues: [{ name, arguments: { 'x-queue-type': 'classic' } }] });
    await this.delays.ready(name);
    return name;
  }

  /** Publishes a body that says for which queue it is, how long it has to wait and since when. */
  send(queue: string, delayMs: number, headers: Record<string, unknown> = {}): Promise<void> {
    const body = Buffer.from(JSON.stringify({ queue, delayMs, sentAt: performance.now() }));
    const properties: MessageProperties = { deliveryMode: 2, headers };
    return this.#publisher.publish({ ...this.delays.route(queue, delayMs), properties, body });
  }
}

interface Waited {
  readonly queue: string;
  readonly delayMs: number;
  readonly waitedMs: number;
}

/** What arrives in the queue from now on. */
async function arrivals(
  broker: Broker,
  queue: string,
): Promise<{ all: Waited[]; until(count: number): Promise<void> }> {
  const { sink } = await consume(broker, queue, 500);
  const all: Waited[] = [];
  sink.onDelivery = ({ body }) => {
    const { sentAt, ...sent } = JSON.parse(body.toString()) as { queue: string; delayMs: number; sentAt: number };
    all.push({ ...sent, waitedMs: performance.now() - sentAt });
  };
  return { all, until: (count) => sink.until(() => all.length >= count) };
}

/** Messages that wait: levels with a time to live, and the way from them to a queue. */
export const delayCases: readonly BrokerCase[] = [
  [
    'a delayed message is never early, and does not wait behind a longer delay published before it',
    async (trial) => {
      const broker = await trial.connect();
      const delayed = await DelayTrial.open(trial, broker);
      const queue = await delayed.queue();
      const arrived = await arrivals(broker, queue);
      for (const delayMs of [3000, 1500, 100]) await delayed.send(queue, delayMs);
      await arrived.until(3);
      assert.deepEqual(
        arrived.all.map(({ delayMs }) => delayMs),
        [100, 1500, 3000],
      );
      for (const { delayMs, waitedMs } of arrived.all)
        assert.ok(waitedMs >= delayMs, `waited ${waitedMs} of ${delayMs} ms`);
    },
  ],
  [
    'delayed messages reach their own queue only, whatever its name',
    async (trial) => {
      const broker = await trial.connect();
      const delayed = await DelayTrial.open(trial, broker);
      const last = trial.name('queue');
      const names = [`${last}.b`, 'b', '*.b', '#', `#.${last}`, '=b', 'queue ü ☂', 'long'].map((name) =>
        name === 'long' ? `${last}.${'x'.repeat(254 - last.length)}` : name === 'b' ? 'contract-b' : `contract.${name}`,
      );
      const queues = await Promise.all(names.map((name) => delayed.queue(name)));
      const arrived = await Promise.all(queues.map((queue) => arrivals(broker, queue)));
      await Promise.all(queues.flatMap((queue) => [delayed.send(queue, 100), delayed.send(queue, 300)]));
      await Promise.all(arrived.map(({ until }) => until(2)));
      for (const [index, { all }] of arrived.entries())
        assert.deepEqual(
          all.map(({ queue, delayMs }) => [queue, delayMs]),
          [
            [queues[index], 100],
            [queues[index], 300],
          ],
        );
    },
  ],
  [
    'several connections may make the same levels ready at once',
    async (trial) => {
      const prefix = trial.name('delay');
      const brokers = await Promise.all([trial.connect(), trial.connect(), trial.connect()]);
      const trials = await Promise.all(brokers.map((broker) => DelayTrial.open(trial, broker, prefix)));
      const queue = trial.name('queue');
      await Promise.all(trials.map((delayed) => delayed.queue(queue)));
      const arrived = await arrivals(brokers[0], queue);
      await Promise.all(trials.map((delayed) => delayed.send(queue, 100)));
      await arrived.until(3);
    },
  ],
  [
    'a level that was deleted is E_PUBLISH_UNROUTABLE, and is there again after forgetting',
    async (trial) => {
      const broker = await trial.connect();
      const prefix = trial.name('delay');
      const delayed = await DelayTrial.open(trial, broker, prefix);
      const queue = await delayed.queue();
      const arrived = await arrivals(broker, queue);
      await trial.rig.deleteQueue(levelName(prefix, 0));
      await rejectsWith(delayed.send(queue, 100), 'E_PUBLISH_UNROUTABLE');
      await delayed.delays.ready(queue);
      await rejectsWith(delayed.send(queue, 100), 'E_PUBLISH_UNROUTABLE');
      delayed.delays.forget();
      await delayed.delays.ready(queue);
      await delayed.send(queue, 100);
      await arrived.until(1);
    },
  ],
  [
    'what waited for a queue that is gone is kept, and holds up no other queue',
    async (trial) => {
      const broker = await trial.connect();
      const prefix = trial.name('delay');
      const delayed = await DelayTrial.open(trial, broker, prefix);
      const [gone, there] = [await delayed.queue(), await delayed.queue()];
      const [lost, arrived] = [await arrivals(broker, undeliveredName(prefix)), await arrivals(broker, there)];
      // More than the 32 that RabbitMQ's at-least-once dead-lettering keeps in flight.
      const sent = Array.from({ length: 60 }, () => delayed.send(gone, 300));
      await Promise.all(sent);
      await trial.rig.deleteQueue(gone);
      await delayed.send(there, 300);
      await arrived.until(1);
      await lost.until(60);
      assert.ok(lost.all.every(({ queue }) => queue === gone));
    },
  ],
  [
    'a message can be delayed again and again when it is published without the headers of the broker',
    async (trial) => {
      const broker = await trial.connect();
      const delayed = await DelayTrial.open(trial, broker);
      const queue = await delayed.queue();
      const { sink } = await consume(broker, queue, 10);
      let headers: Record<string, unknown> = { 'x-attempt': 1 };
      for (let turn = 1; turn <= 3; turn++) {
        await delayed.send(queue, 100, headers);
        await sink.received(turn);
        const arrived = sink.deliveries[turn - 1]?.properties.headers ?? {};
        assert.equal(arrived['x-attempt'], turn);
        assert.equal(arrived['x-first-death-reason'], 'expired');
        const kept = Object.entries(arrived).filter(([name]) => !BROKER_HEADERS.includes(name));
        headers = { ...Object.fromEntries(kept), 'x-attempt': turn + 1 };
      }
    },
  ],
];
