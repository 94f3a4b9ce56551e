import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectedChecksum } from '../../../bench/harness/filler.ts';
import { bodyAt, ID_LENGTH, idAt } from '../../../bench/harness/message-source.ts';
import { PublishBlock } from '../../../bench/harness/publish-block.ts';
import { deliveryModeIn } from '../../../bench/harness/queue-reader.ts';
import { QueueTally } from '../../../bench/harness/queue-tally.ts';
import { short, shortString } from '../../../bench/harness/raw-amqp.ts';

const SEED = 7;

test('each message once gives the checksum of the run', () => {
  const tally = new QueueTally(SEED, 3);
  for (const index of [2, 0, 1]) tally.take(bodyAt(SEED, index).toString());
  assert.deepEqual(tally.summary(), { calls: 3, distinct: 3, foreign: 0, checksum: expectedChecksum(SEED, 3) });
});

test('a message twice, one that is missing and one with another body are seen', () => {
  const tally = new QueueTally(SEED, 3);
  for (const index of [0, 0]) tally.take(bodyAt(SEED, index).toString());
  assert.deepEqual([tally.taken, tally.summary().distinct], [2, 1]);
  const other = new QueueTally(SEED, 1);
  other.take(bodyAt(SEED, 0).toString().replace('John', 'Jane'));
  assert.equal(other.summary().distinct, 1);
  assert.notEqual(other.summary().checksum, expectedChecksum(SEED, 1));
});

test('what is not a payload of the run is foreign', () => {
  const tally = new QueueTally(SEED, 3);
  const bodies = ['', 'null', '{}', '{"UUID":"x"}', bodyAt(SEED, 3).toString(), bodyAt(SEED + 1, 0).toString()];
  for (const body of bodies) tally.take(body);
  assert.deepEqual(tally.summary(), { calls: 6, distinct: 0, foreign: 6, checksum: 0 });
});

/** class, weight, body size, flags, properties. */
function header(flags: number, ...properties: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.alloc(12), short(flags), ...properties]);
}

test('the delivery mode is found behind whatever stands before it', () => {
  const mode = Buffer.from([2]);
  const table = Buffer.from([0, 0, 0, 3, 1, 65, 116]);
  assert.equal(deliveryModeIn(header(0x1000, mode), 0), 2);
  assert.equal(deliveryModeIn(header(0xd000, shortString('application/json'), shortString('utf-8'), mode), 0), 2);
  assert.equal(deliveryModeIn(header(0x3000, table, Buffer.from([1])), 0), 1);
  assert.equal(deliveryModeIn(header(0x8000, shortString('text/plain')), 0), undefined);
});

test("a block's template is message 0, with its id at the places that it names", () => {
  const { bytes, ids } = new PublishBlock({ queue: 'some-queue', seed: SEED }).template;
  assert.deepEqual(
    ids.map((at) => bytes.toString('latin1', at, at + ID_LENGTH)),
    [idAt(SEED, 0), idAt(SEED, 0)],
  );
});
