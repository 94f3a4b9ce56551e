import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AMQP_DEFAULTS } from '../../../../src/broker/amqp/amqp-options.ts';
import { OutgoingConnections } from '../../../../src/broker/amqp/outgoing-connections.ts';
import type { OutgoingMessage, Publisher } from '../../../../src/broker/broker.ts';
import { method, u8, u64 } from '../../../support/amqp-frames.ts';
import { RECONNECT } from '../../../support/consumer-rig.ts';
import { FakeAmqpPeer, type PeerConnection, type SentFrame } from '../../../support/fake-amqp-peer.ts';

const CONFIRM_SELECT = '85.10';
/** The last frame of a small message. */
const BODY = '3';

/** A broker that confirms, refuses or does not settle what is published, as `takes` says of the channel (from 1) and tag. */
async function openAdmin(
  t: TestContext,
  takes: (opened: number, tag: number) => boolean | undefined,
): Promise<{ readonly admin: OutgoingConnections; readonly opened: () => number }> {
  let opened = 0;
  const tags = new Map<number, number>();
  const answer = (peer: PeerConnection, { method: name, channel }: SentFrame): boolean => {
    if (name === CONFIRM_SELECT) {
      opened++;
      tags.set(channel, 0);
      peer.send(method(channel, 85, 11));
      return true;
    }
    if (name !== BODY) return false;
    const tag = (tags.get(channel) ?? 0) + 1;
    tags.set(channel, tag);
    const taken = takes(opened, tag);
    if (taken === undefined) return true;
    peer.send(taken ? method(channel, 60, 80, u64(tag), u8(0)) : method(channel, 60, 120, u64(tag), u8(0)));
    return true;
  };
  const peer = await FakeAmqpPeer.start({ answer });
  const admin = new OutgoingConnections({
    ...AMQP_DEFAULTS,
    urls: [peer.url],
    reconnect: RECONNECT,
    connectTimeoutMs: 50,
  });
  t.after(async () => {
    await admin.close();
    await peer.stop();
  });
  return { admin, opened: () => opened };
}

function messageTo(routingKey: string): OutgoingMessage {
  return { exchange: '', routingKey, properties: { deliveryMode: 2 }, body: Buffer.from('{}') };
}

/** @returns how often it was refused */
async function publishUntilTaken(publisher: Publisher): Promise<number> {
  for (let refused = 0; ; refused++) {
    try {
      await publisher.publish(messageTo('work'));
      return refused;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'E_PUBLISH_NACKED');
    }
  }
}

test('a destination that refuses everything for a while is tried on a new channel', async (t) => {
  // As RabbitMQ 3.10 after a quorum queue's leader died: this channel is refused for good, the next one is served.
  const { admin, opened } = await openAdmin(t, (channel) => channel > 1);
  const publisher = await admin.publisher({ window: 10 });
  assert.ok((await publishUntilTaken(publisher)) > 1);
  assert.equal(opened(), 2);
});

test('while a destination takes some, and while another one refuses little, the channel stays', async (t) => {
  const { admin, opened } = await openAdmin(t, (_, tag) => tag % 2 === 0);
  const publisher = await admin.publisher({ window: 10 });
  const until = performance.now() + 3 * RECONNECT.maxMs; // longer than a refusing destination would be waited for
  let taken = 0;
  while (performance.now() < until) {
    await publisher.publish(messageTo('work')).then(
      () => taken++,
      () => undefined,
    );
  }
  assert.ok(taken > 1);
  assert.equal(opened(), 1);
});

test('what is in flight is settled before a refusing channel is replaced', async (t) => {
  const { admin, opened } = await openAdmin(t, (channel, tag) => channel > 1 || tag % 10 === 0);
  const publisher = await admin.publisher({ window: 10 });
  const codes = new Set<string>();
  let fine = 0;
  while (opened() < 2) {
    const sent = Array.from({ length: 10 }, (_, n) => publisher.publish(messageTo(n === 9 ? 'fine' : 'full')));
    for (const one of await Promise.allSettled(sent)) {
      if (one.status === 'fulfilled') fine++;
      else codes.add((one.reason as { code: string }).code);
    }
  }
  assert.deepEqual([...codes], ['E_PUBLISH_NACKED'], 'nothing is left unconfirmed');
  assert.ok(fine > 0);
});

test('a refusing channel that does not settle what is in flight is left, and says that it is unconfirmed', async (t) => {
  const { admin, opened } = await openAdmin(t, (channel, tag) => (channel > 1 ? true : tag === 1 ? undefined : false));
  const publisher = await admin.publisher({ window: 10 });
  const stuck = assert.rejects(publisher.publish(messageTo('work')), { code: 'E_PUBLISH_UNCONFIRMED' });
  await publishUntilTaken(publisher);
  await stuck;
  assert.equal(opened(), 2);
});

test('a command that the broker never answers is given up', async (t) => {
  const { admin } = await openAdmin(t, () => true);
  const topology = { exchanges: [{ name: 'silent', type: 'direct' as const }], queues: [], bindings: [] };
  await assert.rejects(admin.declare(topology), {
    code: 'E_BROKER_UNREACHABLE',
    message: /did not answer a command within 300 ms/,
  });
});
