/** How a consumer's channel ends so that no ack is lost on the way. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Consumer } from '../../../../src/broker/broker.ts';
import { deferred } from '../../../../src/support/deferred.ts';
import { method, shortString, u16, u64 } from '../../../support/amqp-frames.ts';
import { type ConsumerRig, makeConsumerRig } from '../../../support/consumer-rig.ts';
import { consumerTag, type PeerConnection, type PeerScript, type SentFrame } from '../../../support/fake-amqp-peer.ts';

const LIMIT = { timeout: 10_000 };
/** What the client names the consumer that it ends a channel with. */
const LAST = 'millrace-last';

/** A peer that does not answer the last consumer; what it then does the test decides. */
function holdLast(): { readonly script: PeerScript; readonly asked: Promise<SentFrame> } {
  const { promise: asked, resolve } = deferred<SentFrame>();
  const answer = (_: PeerConnection, sent: SentFrame): boolean => {
    const isLast = sent.method === '60.20' && consumerTag(sent.args) === LAST;
    if (isLast) resolve(sent);
    return isLast;
  };
  return { script: { answer }, asked };
}

function confirmLast(client: PeerConnection): void {
  client.send(method(1, 60, 21, shortString(LAST)));
}

/** A consumer that has one message, and its connection as the peer sees it. */
async function openRig(
  ...settings: Parameters<typeof makeConsumerRig>
): Promise<ConsumerRig & { client: PeerConnection }> {
  const rig = await makeConsumerRig(...settings);
  const client = await rig.open();
  client.deliver({ channel: 1, tag: 1, body: Buffer.from('a') });
  await rig.sink.received(1);
  return { ...rig, client };
}

describe('the end of an AMQP consumer', () => {
  const settlements = [
    ['an ack', (consumer: Consumer) => consumer.ack(1, 1, false)],
    ['a message that was given up', (consumer: Consumer) => consumer.nack(1, 1, false)],
  ] as const;
  for (const [what, settle] of settlements) {
    test(
      `after ${what}, the channel is closed when a consumer that takes nothing was confirmed`,
      LIMIT,
      async (context) => {
        const { script, asked } = holdLast();
        const { consumer, sink, client } = await openRig(context, script);
        const before = client.sent.length;
        settle(consumer);
        const closing = consumer.close();
        assert.deepEqual(sink.closed, [{ epoch: 1, reason: undefined }]);
        const last = await asked;
        assert.equal(client.count('20.40'), 0);
        // 'l' is an integer of 64 bits
        const credit = Buffer.concat([shortString('credit'), Buffer.from('l'), u64(0)]);
        assert.ok(last.args.includes(credit));
        client.deliver({ channel: 1, tag: 2, body: Buffer.from('late') });
        confirmLast(client);
        await closing;
        const sent = client.sent.slice(before + 1).map(({ method: name }) => name);
        assert.deepEqual(sent, ['60.30', '60.10', '60.20', '20.40']);
        assert.deepEqual(sink.texts, ['a']);
      },
    );
  }

  test('after a cancel, nothing is cancelled twice', LIMIT, async (context) => {
    const { consumer, client } = await openRig(context);
    await consumer.cancel();
    consumer.ack(1, 1, false);
    await consumer.close();
    assert.equal(client.count('60.30'), 1);
    assert.deepEqual(
      client.sent.slice(-3).map(({ method: name }) => name),
      ['60.10', '60.20', '20.40'],
    );
  });

  test('where nothing was acked, or all was given back, the channel is closed at once', LIMIT, async (context) => {
    const { consumer, client } = await openRig(context);
    consumer.nack(1, 1, true);
    await consumer.close();
    assert.equal(client.count('60.20'), 1);
  });

  test('a queue that is gone by then ends the close', LIMIT, async (context) => {
    const { script, asked } = holdLast();
    const { consumer, sink, client } = await openRig(context, script);
    consumer.ack(1, 1, false);
    const closing = consumer.close();
    await asked;
    client.cancel(1);
    client.closeChannel(1, 404, 'NOT_FOUND - no queue');
    await closing;
    assert.equal(client.count('20.40'), 0);
    assert.deepEqual(sink.closed, [{ epoch: 1, reason: undefined }]);
  });

  test('a connection lost by then ends the close, and no epoch follows', LIMIT, async (context) => {
    const { script, asked } = holdLast();
    const { consumer, sink, peer, client } = await openRig(context, script);
    consumer.ack(1, 1, false);
    const closing = consumer.close();
    await asked;
    client.reset();
    await closing;
    await peer.connection(1);
    assert.deepEqual(sink.opened, [1]);
  });

  test(
    'a message above the limit ends the channel in the same way, and the next epoch need not wait',
    LIMIT,
    async (context) => {
      const { script, asked } = holdLast();
      const { consumer, sink, client } = await openRig(context, script, { maxMessageBytes: 100 });
      consumer.ack(1, 1, false);
      client.deliver({ channel: 1, tag: 2, body: Buffer.alloc(101) });
      await asked;
      await sink.until(() => sink.opened.length === 2);
      assert.equal(client.count('20.40'), 0);
      confirmLast(client);
      await client.received('20.40');
    },
  );

  test('a new prefetch waits in the same way', LIMIT, async (context) => {
    const { script, asked } = holdLast();
    const { consumer, sink, client } = await openRig(context, script);
    consumer.ack(1, 1, false);
    const resized = consumer.resize(9);
    await asked;
    confirmLast(client);
    await resized;
    assert.deepEqual(sink.opened, [1, 2]);
    const limits = client.sent.filter(({ method: name }) => name === '60.10').map(({ args }) => args.subarray(4, 6));
    assert.deepEqual(limits, [u16(7), u16(1), u16(9)]);
  });
});
