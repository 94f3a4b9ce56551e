import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageProperties } from '../../../src/batch/message-properties.ts';
import { readDeadLetter } from '../../../src/dead-letters/dead-letter.ts';
import { type ReplayedMessage, replayedMessage } from '../../../src/dead-letters/replayed-message.ts';

const NOW = Date.parse('2026-01-02T00:00:00.900Z');

function replay(properties: MessageProperties | undefined, to?: string): ReplayedMessage {
  return replayedMessage(readDeadLetter(properties, Buffer.from('body'), 'home'), to, NOW);
}

test('the message goes where it came from, with its own properties and headers', () => {
  const { message } = replay({
    messageId: 'a',
    type: 't',
    priority: 3,
    correlationId: 'c',
    contentType: 'text/plain',
    headers: { tenant: 'blue', 'x-error-code': 'E', 'x-queue': 'images', 'x-attempt': 3, 'x-waits': 1 },
  });
  assert.deepEqual(message, {
    exchange: '',
    routingKey: 'images',
    properties: {
      messageId: 'a',
      type: 't',
      priority: 3,
      correlationId: 'c',
      contentType: 'text/plain',
      deliveryMode: 2,
      headers: { tenant: 'blue', 'x-replayed': 1 },
    },
    body: Buffer.from('body'),
  });
});

test('each replay is counted, and may go elsewhere', () => {
  const { message } = replay({ headers: { 'x-replayed': 4, 'x-queue': 'images' } }, 'other');
  assert.deepEqual([message?.routingKey, message?.properties.headers], ['other', { 'x-replayed': 5 }]);
});

test('start deadlines count from the replay', () => {
  const { message } = replay({ timestamp: 5, headers: { 'x-start-by': 6, 'x-error-code': 'E_TASK_EXPIRED' } });
  assert.deepEqual(message?.properties, {
    timestamp: Math.floor(NOW / 1000),
    deliveryMode: 2,
    headers: { 'x-replayed': 1 },
  });
});

test('what the broker would refuse or act on again does not come back', () => {
  const { message } = replay({
    userId: 'somebody',
    expiration: '1000',
    headers: { CC: ['elsewhere'], 'x-death': [{ reason: 'expired', queue: 'images' }], 'x-delivery-count': 2 },
  });
  assert.deepEqual(message?.properties, { deliveryMode: 2, headers: { 'x-replayed': 1 } });
  assert.equal(message?.routingKey, 'images');
});

test('properties that nobody can read are refused', () => {
  assert.match(replay(undefined).refusal ?? '', /properties cannot be read/);
  assert.match(replay({ headers: { 'x-original-properties': 'AA==' } }).refusal ?? '', /properties cannot be read/);
});
