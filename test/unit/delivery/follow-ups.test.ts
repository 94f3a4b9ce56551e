import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutgoingMessage, Publisher } from '../../../src/broker/broker.ts';
import { Delays } from '../../../src/broker/delays.ts';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import { type Destination, type FollowUp, FollowUps } from '../../../src/delivery/follow-ups.ts';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';
import type { Logger } from '../../../src/telemetry/logger.ts';
import { DELAY_PREFIX } from '../../support/delivery-options.ts';
import { until } from '../../support/until.ts';

interface Bench {
  readonly followUps: FollowUps;
  readonly published: OutgoingMessage[];
  readonly lines: string[];
  readonly changes: { count: number };
}

/** Follow-ups whose publisher answers as scripted, then hands on to the broker, or just confirms. */
async function benchWith(answers: RuntimeError[], broker = new MemoryBroker()): Promise<Bench> {
  const published: OutgoingMessage[] = [];
  const lines: string[] = [];
  const changes = { count: 0 };
  const real = broker.health().state === 'connected' ? await broker.publisher({ window: 10 }) : undefined;
  const publisher: Publisher = {
    publish: async (message) => {
      published.push(message);
      const error = answers.shift();
      if (error !== undefined) throw error;
      await real?.publish(message);
    },
    submit: () => assert.fail('follow-ups are awaited one by one'),
    drained: async () => {},
    close: async () => {},
  };
  const write = (_: object, message: string): void => void lines.push(message);
  const logger: Logger = { debug: () => {}, info: write, warn: write, error: write };
  const delays = new Delays(broker, DELAY_PREFIX);
  const followUps = new FollowUps({ broker, publisher, delays, logger, changed: () => void changes.count++ });
  return { followUps, published, lines, changes };
}

const TO_DEAD: Destination = { kind: 'queue', declare: { name: 'work.dead', arguments: { 'x-queue-type': 'quorum' } } };

function followUp(changes: Partial<FollowUp> = {}): FollowUp {
  const variants = [() => ({ messageId: 'm', deliveryMode: 2 as const })];
  return { source: 'work', what: 'dead letter', destination: TO_DEAD, variants, body: Buffer.from('b'), ...changes };
}

test('a missing queue is declared, and the follow-up is sent again', async () => {
  const broker = new MemoryBroker();
  await broker.start();
  const { followUps } = await benchWith([], broker);
  assert.equal(await followUps.send(followUp()), 'confirmed');
  assert.equal(await broker.readyCount('work.dead'), 1);
  await broker.stop();
});

test('delay levels that are missing are declared', async () => {
  const broker = new MemoryBroker();
  await broker.start();
  await broker.declare({ exchanges: [], queues: [{ name: 'work', arguments: {} }], bindings: [] });
  const { followUps } = await benchWith([], broker);
  const destination: Destination = { kind: 'delayed', queue: 'work', delayMs: 1 };
  assert.equal(await followUps.send(followUp({ destination })), 'confirmed');
  let ready = 0;
  const ask = async (): Promise<void> => {
    ready = await broker.readyCount('work');
  };
  await until('it arrives', () => {
    void ask();
    return ready === 1;
  });
  await broker.stop();
});

test('what is not confirmed is sent until it is', async () => {
  const unconfirmed = new RuntimeError('E_PUBLISH_UNCONFIRMED', 'scripted');
  const { followUps, published } = await benchWith([unconfirmed, unconfirmed]);
  assert.equal(await followUps.send(followUp()), 'confirmed');
  assert.equal(published.length, 3);
  assert.equal(followUps.pending, 0);
});

test('a queue whose follow-ups are refused is paused, says so once, and goes on when they are taken', async () => {
  const nacked = (): RuntimeError => new RuntimeError('E_PUBLISH_NACKED', 'scripted: the queue is full');
  const { followUps, lines, changes } = await benchWith([nacked(), nacked(), nacked(), nacked()]);
  const both = [followUps.send(followUp()), followUps.send(followUp())];
  await until('the refusal is known', () => followUps.refusal('work') !== undefined);
  assert.match(
    followUps.refusal('work') ?? '',
    /dead letter of queue 'work' is not taken: scripted: the queue is full/,
  );
  assert.equal(followUps.refusal('other'), undefined);
  assert.deepEqual(await Promise.all(both), ['confirmed', 'confirmed']);
  assert.equal(followUps.refusal('work'), undefined);
  assert.deepEqual(
    lines.map((line) => /paused|goes on/.exec(line)?.[0]),
    ['paused', 'goes on'],
  );
  assert.equal(changes.count, 2);
});

test('the next variant is tried when one cannot be sent, and the last says so', async () => {
  const tooLarge = (): RuntimeError => new RuntimeError('E_MESSAGE_MALFORMED', 'scripted: larger than a frame');
  const variants = [() => ({ messageId: 'whole' }), () => ({ messageId: 'bare' })];
  const first = await benchWith([tooLarge()]);
  assert.equal(await first.followUps.send(followUp({ variants })), 'confirmed');
  assert.deepEqual(
    first.published.map(({ properties }) => properties.messageId),
    ['whole', 'bare'],
  );
  const second = await benchWith([tooLarge(), tooLarge()]);
  assert.equal(await second.followUps.send(followUp({ variants })), 'unsendable');
});

test('a stop gives up what waits for its next try', async () => {
  const nacked = Array.from({ length: 100 }, () => new RuntimeError('E_PUBLISH_NACKED', 'scripted'));
  const { followUps, published } = await benchWith(nacked);
  const sent = followUps.send(followUp());
  followUps.stop();
  assert.equal(await sent, 'stopped');
  assert.equal(published.length, 1);
});

test('a publisher that was closed ends the tries', async () => {
  const { followUps, published } = await benchWith([new RuntimeError('E_CLIENT_CLOSED', 'scripted')]);
  assert.equal(await followUps.send(followUp()), 'stopped');
  assert.equal(published.length, 1);
});
