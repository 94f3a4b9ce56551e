import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeProperties, type MessageProperties } from '../../../src/batch/message-properties.ts';
import { BROKER_HEADERS } from '../../../src/batch/task-headers.ts';
import {
  bareRetryProperties,
  deadProperties,
  type EndedAttempt,
  packedDeadProperties,
  retryProperties,
  suspectProperties,
  waitProperties,
} from '../../../src/delivery/follow-up-message.ts';
import { type HeldMessage, readHeldMessage } from '../../../src/delivery/held-message.ts';

const BODY = Buffer.from('body');

function held(properties: MessageProperties): HeldMessage {
  return readHeldMessage(encodeProperties(properties), BODY);
}

function ended(attempt: number): EndedAttempt {
  const error = { name: 'Error', code: 'E_TASK_FAILED', message: 'm'.repeat(5_000), stack: 's'.repeat(10_000) };
  return { attempt, outcome: 'failed', error, worker: 'host:7', endedAt: new Date(0) };
}

test('a retry carries its number and what was before, and nothing that the broker added', () => {
  const broker = Object.fromEntries(BROKER_HEADERS.map((name) => [name, 'broker']));
  const message = held({
    messageId: 'm',
    type: 't',
    contentType: 'application/json',
    expiration: '1000',
    userId: 'guest',
    headers: { ...broker, mine: 'yes', 'x-attempt': 2 },
  });
  assert.equal(message.attempt, 2);
  assert.deepEqual(retryProperties(message, ended(2)), {
    messageId: 'm',
    type: 't',
    contentType: 'application/json',
    deliveryMode: 2,
    headers: {
      mine: 'yes',
      'x-attempt': 3,
      'x-history': [
        {
          attempt: 2,
          at: '1970-01-01T00:00:00.000Z',
          outcome: 'failed',
          code: 'E_TASK_FAILED',
          message: 'm'.repeat(200),
          worker: 'host:7',
        },
      ],
    },
  });
  assert.deepEqual(bareRetryProperties(message, ended(2)).headers, { mine: 'yes', 'x-attempt': 3 });
});

test('a history keeps the last twenty attempts', () => {
  let message = held({ messageId: 'm' });
  for (let attempt = 1; attempt <= 25; attempt++) message = held(retryProperties(message, ended(attempt)));
  const attempts = message.history.map((record) => (record as { attempt: number }).attempt);
  assert.deepEqual(
    attempts,
    Array.from({ length: 20 }, (_, n) => n + 6),
  );
  assert.equal(message.attempt, 26);
});

test('waiting counts no attempt', () => {
  const message = held({ messageId: 'm', headers: { 'x-attempt': 2, 'x-waits': 4 } });
  assert.deepEqual(waitProperties(message, true).headers, { 'x-attempt': 2, 'x-waits': 5 });
  assert.deepEqual(waitProperties(message, false).headers, { 'x-attempt': 2, 'x-waits': 4 });
  assert.deepEqual(suspectProperties(message).headers, { 'x-attempt': 2, 'x-waits': 4 });
});

test('a dead letter says why, with texts of a bounded length', () => {
  const { headers = {}, ...rest } = deadProperties(
    held({ messageId: 'm', type: 't', expiration: '5' }),
    ended(3),
    'work',
  );
  assert.deepEqual(rest, { messageId: 'm', type: 't', deliveryMode: 2 });
  assert.equal(headers['x-error-code'], 'E_TASK_FAILED');
  assert.equal(String(headers['x-error-message']).length, 1_024);
  assert.equal(String(headers['x-error-stack']).length, 4_096);
  assert.deepEqual(
    [headers['x-outcome'], headers['x-attempt'], headers['x-queue'], headers['x-worker'], headers['x-dead-at']],
    ['failed', 3, 'work', 'host:7', '1970-01-01T00:00:00.000Z'],
  );
});

test('properties that cannot be read travel as bytes', () => {
  const garbage = Buffer.from([0xff, 0xff, 1, 2, 3]);
  const message = readHeldMessage(garbage, BODY);
  assert.deepEqual([message.properties, message.attempt, message.waits, message.returns], [undefined, 1, 0, 0]);
  const packed = packedDeadProperties(message, ended(1), 'work');
  assert.equal(packed.headers?.['x-original-properties'], garbage.toString('base64'));
});

test('a message without an id gets one, so that its further attempts are one task', () => {
  const first = held(retryProperties(held({ type: 't' }), ended(1)));
  const id = first.properties?.messageId;
  assert.match(id ?? '', /^[0-9a-f-]{36}$/);
  assert.equal(retryProperties(first, ended(2)).messageId, id);
});

test('whatever headers a message has, a follow-up can be made and encoded, and counts on', () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.integer()),
    fc.double(),
  );
  const key = fc.oneof(
    fc.constantFrom('x-attempt', 'x-history', 'x-waits', 'x-delivery-count', 'mine'),
    fc.string({ minLength: 1, maxLength: 20 }),
  );
  fc.assert(
    fc.property(fc.dictionary(key, value), (headers) => {
      const message = held({ messageId: 'm', headers });
      assert.ok(Number.isSafeInteger(message.attempt) && message.attempt >= 1);
      const next = held(retryProperties(message, ended(message.attempt)));
      assert.equal(next.attempt, message.attempt + 1);
      assert.equal(next.history.length, Math.min(20, message.history.length + 1));
      assert.equal(held(waitProperties(next, true)).waits, next.waits + 1);
      encodeProperties(deadProperties(next, ended(next.attempt), 'work'));
    }),
  );
});
