import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeProperties } from '../../../src/batch/message-properties.ts';
import type { OutgoingMessage, Publisher } from '../../../src/broker/broker.ts';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import { type DeadLetter, DeadLetters } from '../../../src/delivery/dead-letters.ts';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';
import { SILENT_LOGGER } from '../../../src/telemetry/logger.ts';

/** A publisher that answers as scripted, then confirms; keeps what it was given. */
function scriptedPublisher(answers: RuntimeError[]): { publisher: Publisher; published: OutgoingMessage[] } {
  const published: OutgoingMessage[] = [];
  const publisher: Publisher = {
    publish: async (message) => {
      published.push(message);
      const error = answers.shift();
      if (error !== undefined) throw error;
    },
    drained: async () => {},
    close: async () => {},
  };
  return { publisher, published };
}

function letterWith(properties: Buffer): DeadLetter {
  const error = { name: 'Error', code: 'E_TASK_FAILED', message: 'scripted', stack: 's'.repeat(10_000) };
  return { queue: 'work', properties, body: Buffer.from('body'), reruns: 0, outcome: 'failed', error };
}

test('a dead letter keeps its properties but for expiry and user, and says why it is there', async () => {
  const { publisher, published } = scriptedPublisher([]);
  const letters = new DeadLetters(new MemoryBroker(), publisher, SILENT_LOGGER);
  const properties = encodeProperties({
    messageId: 'm',
    type: 't',
    expiration: '1000',
    userId: 'guest',
    headers: { 'x-attempt': 4, mine: 'yes' },
  });
  assert.equal(await letters.send(letterWith(properties)), true);
  const sent = published[0]?.properties;
  assert.equal(published[0]?.routingKey, 'work.dead');
  assert.deepEqual(
    [sent?.messageId, sent?.type, sent?.expiration, sent?.userId, sent?.deliveryMode],
    ['m', 't', undefined, undefined, 2],
  );
  assert.equal(sent?.headers?.['mine'], 'yes');
  assert.equal(sent?.headers?.['x-attempt'], 4);
  assert.equal(String(sent?.headers?.['x-error-stack']).length, 4096);
});

test('properties that cannot be read travel as bytes in a header', async () => {
  const { publisher, published } = scriptedPublisher([]);
  const letters = new DeadLetters(new MemoryBroker(), publisher, SILENT_LOGGER);
  const garbage = Buffer.from([0xff, 0xff, 1, 2, 3]);
  assert.equal(await letters.send(letterWith(garbage)), true);
  assert.equal(published[0]?.properties.headers?.['x-original-properties'], garbage.toString('base64'));
  assert.equal(published[0]?.properties.headers?.['x-error-code'], 'E_TASK_FAILED');
});

test('properties that cannot be sent with the reason added travel as bytes in a header', async () => {
  const tooLarge = new RuntimeError('E_MESSAGE_MALFORMED', 'scripted: larger than a frame');
  const { publisher, published } = scriptedPublisher([tooLarge]);
  const letters = new DeadLetters(new MemoryBroker(), publisher, SILENT_LOGGER);
  const properties = encodeProperties({ messageId: 'm' });
  assert.equal(await letters.send(letterWith(properties)), true);
  assert.equal(published.length, 2);
  assert.equal(published[1]?.properties.headers?.['x-original-properties'], properties.toString('base64'));
});

test('a missing dead-letter queue is declared, and the letter is sent again', async () => {
  const broker = new MemoryBroker();
  await broker.start();
  const letters = new DeadLetters(broker, await broker.publisher({ window: 10 }), SILENT_LOGGER);
  assert.equal(await letters.send(letterWith(encodeProperties({ messageId: 'm' }))), true);
  assert.equal(await broker.readyCount('work.dead'), 1);
  await broker.stop();
});

test('a letter that is not confirmed is sent until it is', async () => {
  const unconfirmed = new RuntimeError('E_PUBLISH_UNCONFIRMED', 'scripted');
  const { publisher, published } = scriptedPublisher([unconfirmed, unconfirmed]);
  const letters = new DeadLetters(new MemoryBroker(), publisher, SILENT_LOGGER);
  assert.equal(await letters.send(letterWith(encodeProperties({ messageId: 'm' }))), true);
  assert.equal(published.length, 3);
  assert.equal(letters.pending, 0);
});

test('a stop gives up a letter that waits for its next try', async () => {
  const nacked = Array.from({ length: 100 }, () => new RuntimeError('E_PUBLISH_NACKED', 'scripted'));
  const { publisher, published } = scriptedPublisher(nacked);
  const letters = new DeadLetters(new MemoryBroker(), publisher, SILENT_LOGGER);
  const sent = letters.send(letterWith(encodeProperties({})));
  letters.stop();
  assert.equal(await sent, false);
  assert.equal(published.length, 1);
});

test('a publisher that was closed ends the tries', async () => {
  const { publisher, published } = scriptedPublisher([new RuntimeError('E_CLIENT_CLOSED', 'scripted')]);
  const letters = new DeadLetters(new MemoryBroker(), publisher, SILENT_LOGGER);
  assert.equal(await letters.send(letterWith(encodeProperties({}))), false);
  assert.equal(published.length, 1);
});
