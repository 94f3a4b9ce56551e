import assert from 'node:assert/strict';
import { test } from 'node:test';
import { celeryMessage } from '../../../bench/harness/celery-message.ts';
import { idAt, signatureAt } from '../../../bench/harness/message-source.ts';
import { PublishBlock } from '../../../bench/harness/publish-block.ts';
import { decodeProperties } from '../../../src/batch/message-properties.ts';

const SEED = 5;

test('a message for Celery has the payload as the only argument of its task', () => {
  const { body } = celeryMessage(SEED);
  const [args, kwargs] = JSON.parse(body.toString()) as [unknown, unknown];
  assert.deepEqual([args, kwargs], [[signatureAt(SEED, 0)], {}]);
});

test('a message for Celery has the headers of its protocol, with the id of the payload', () => {
  const { flags, properties } = celeryMessage(SEED);
  const bytes = Buffer.concat([Buffer.from([flags >> 8, flags & 0xff]), ...properties]);
  const { headers, ...others } = decodeProperties(bytes, 0, bytes.length);
  const id = idAt(SEED, 0);
  assert.deepEqual(others, {
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    deliveryMode: 2,
    correlationId: id,
  });
  const { lang, task, id: own, root_id: root, retries, timelimit, eta } = headers ?? {};
  assert.deepEqual([lang, task, own, root, retries, timelimit, eta], ['py', 'record', id, id, 0, [null, null], null]);
});

test('in a block for Celery every id becomes that of the message', () => {
  const block = new PublishBlock({ queue: 'some-queue', seed: SEED, encode: celeryMessage });
  const bytes = Buffer.alloc(block.length);
  block.writeTo(bytes, 0, 9);
  const text = bytes.toString('latin1');
  assert.equal(text.split(idAt(SEED, 9)).length - 1, 5);
  assert.equal(text.includes(idAt(SEED, 0)), false);
});
