/** The ledger that closes fault tests finds what is lost, foreign or in two places. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '../../src/index.ts';
import { amqpUrl, managementUrl, needs } from '../support/servers.ts';
import { closeLedger } from '../support/stored-ids.ts';
import { VirtualHost } from '../support/virtual-host.ts';

test('the ledger of a fault test balances what is done, dead and queued, and names what does not', {
  ...needs(amqpUrl, managementUrl),
}, async () => {
  await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
  const queues = ['work'];
  await using client = await createClient({ broker: host.url });
  const waiting = await client.sendMany('store', [1, 2, 3], { queue: 'work' });
  const dead = await client.sendMany('store', [4], { queue: 'work.dead' });
  const suspect = await client.sendMany('store', [5], { queue: 'work.suspects' });
  const sent = [...waiting, ...dead, ...suspect];

  const closed = await closeLedger({ confirmed: [...sent, 'done'], broker: host.url, queues, done: ['done'] });
  assert.deepEqual(closed.stored, ['done']);
  assert.deepEqual(closed.deadLettered, dead);
  assert.deepEqual(closed.queued, [...waiting, ...suspect]);
  assert.deepEqual(closed.overlaps, []);

  const again = { confirmed: sent, broker: host.url, queues };
  await assert.rejects(closeLedger({ ...again, confirmed: [...sent, 'lost'] }), /are lost: .* 1 lost/);
  await assert.rejects(closeLedger({ ...again, confirmed: waiting }), /2 are there that nobody sent/);
  await closeLedger({ ...again, confirmed: waiting, unconfirmed: [...dead, ...suspect] });
  await assert.rejects(closeLedger({ ...again, done: dead }), /in two places/);
  const overlapping = await closeLedger({ ...again, done: dead, mayOverlap: true });
  assert.deepEqual(overlapping.overlaps, dead);
  await assert.rejects(closeLedger({ ...again, done: [...dead, ...dead], mayOverlap: true }), /applied twice/);
  assert.deepEqual((await closeLedger({ ...again, queues: ['work', 'missing'] })).queued.length, 4);
});
