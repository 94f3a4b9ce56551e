import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isRuntimeError } from '../../../../src/errors/runtime-error.ts';
import { method, shortString, u8, u16, u32 } from '../../../support/amqp-frames.ts';
import { makeConsumerRig as makeRig } from '../../../support/consumer-rig.ts';
import type { PeerScript } from '../../../support/fake-amqp-peer.ts';
import { selfSignedCertificate } from '../../../support/self-signed-certificate.ts';

const LIMIT = { timeout: 10_000 };
function refuseConsume(code: number, text: string, times = Number.POSITIVE_INFINITY): PeerScript {
  let refused = 0;
  return {
    answer: (peer, sent) => {
      if (sent.method !== '60.20' || refused >= times) return false;
      refused += 1;
      peer.closeChannel(sent.channel, code, text);
      return true;
    },
  };
}

describe('AMQP consumer', () => {
  test(
    'it opens a channel, limits it and consumes; deliveries reach the sink with their tags',
    LIMIT,
    async (context) => {
      const { consumer, sink, open } = await makeRig(context);
      const client = await open();
      assert.equal(consumer.epoch, 1);
      const qos = await client.received('60.10');
      assert.deepEqual(qos.args, Buffer.concat([u32(0), u16(7), u8(0)]));
      const consume = await client.received('60.20');
      assert.deepEqual(
        consume.args,
        Buffer.concat([u16(0), shortString('calls'), shortString('millrace'), u8(0), u32(0)]),
      );
      for (const tag of [1, 2, 3]) client.deliver({ channel: consume.channel, tag, body: Buffer.from(`m${tag}`) });
      await sink.received(3);
      assert.deepEqual(sink.texts, ['m1', 'm2', 'm3']);
      assert.deepEqual(
        sink.deliveries.map(({ tag, epoch }) => [tag, epoch]),
        [
          [1, 1],
          [2, 1],
          [3, 1],
        ],
      );
    },
  );

  test('acks and nacks go out in call order, in one write, when they are flushed', LIMIT, async (context) => {
    const { consumer, sink, open } = await makeRig(context);
    const client = await open();
    for (let tag = 1; tag <= 4; tag += 1) client.deliver({ channel: 1, tag, body: Buffer.alloc(0) });
    await sink.received(4);
    consumer.nack(1, 2, true);
    consumer.ack(1, 1, false);
    consumer.nack(1, 3, false);
    consumer.ack(1, 4, true);
    assert.equal(client.count('60.80') + client.count('60.120'), 0);
    const readsBefore = client.sent.length;
    consumer.flush();
    await client.received('60.80', 2);
    const settled = client.sent.slice(readsBefore).map(({ method: name, args }) => `${name} ${args.toString('hex')}`);
    assert.deepEqual(settled, [
      '60.120 000000000000000202',
      '60.80 000000000000000100',
      '60.120 000000000000000300',
      '60.80 000000000000000401',
    ]);
  });

  test('tag 0, which would settle everything, is refused', LIMIT, async (context) => {
    const { consumer, open } = await makeRig(context);
    await open();
    assert.throws(
      () => consumer.ack(1, 0, true),
      (error: unknown) => isRuntimeError(error, 'E_STATE'),
    );
  });

  const refusals = [
    [404, 'NOT_FOUND - no queue', 'E_BROKER_QUEUE_MISSING'],
    [403, 'ACCESS_REFUSED - not yours', 'E_BROKER_ACCESS'],
    [405, 'RESOURCE_LOCKED - exclusive', 'E_BROKER_ACCESS'],
    [406, 'PRECONDITION_FAILED - stream', 'E_BROKER_CHANNEL_CLOSED'],
  ] as const;
  for (const [replyCode, replyText, code] of refusals) {
    test(
      `a first consume refused with ${replyCode} rejects with ${code} and leaves nothing open`,
      LIMIT,
      async (context) => {
        const { consumer, link, told, peer, sink } = await makeRig(context, refuseConsume(replyCode, replyText));
        const opened = consumer.start();
        await link.start();
        await assert.rejects(opened, (error: unknown) => {
          assert.ok(isRuntimeError(error, code), String(error));
          assert.deepEqual(error.details, { queue: 'calls', replyCode, replyText });
          return true;
        });
        const client = await peer.connection(0);
        await client.received('20.41');
        assert.deepEqual(told, ['connected FakePeer 1.2.3', 'closed']);
        assert.deepEqual(sink.opened, []);
      },
    );
  }

  test('a cancel by the broker closes the channel, ends the epoch and consumes again', LIMIT, async (context) => {
    const { consumer, sink, told, open } = await makeRig(context);
    const client = await open();
    client.deliver({ channel: 1, tag: 1, body: Buffer.from('a') });
    await sink.received(1);
    client.cancel(1);
    await sink.until(() => sink.opened.length === 2);
    assert.equal(client.count('20.40'), 1);
    assert.deepEqual(
      sink.closed.map(({ epoch, reason }) => [epoch, reason?.code]),
      [[1, 'E_BROKER_CONSUMER_CANCELLED']],
    );
    assert.ok(told.includes('calls waits E_BROKER_CONSUMER_CANCELLED'));
    consumer.ack(1, 1, false);
    assert.equal(consumer.staleAcks, 1);
    const { channel } = await client.received('60.20', 2);
    client.deliver({ channel, tag: 1, redelivered: true, body: Buffer.from('a') });
    await sink.received(2);
    assert.deepEqual(sink.deliveries.map(({ epoch, tag, redelivered }) => [epoch, tag, redelivered]).at(-1), [
      2,
      1,
      true,
    ]);
  });

  test('a queue that is gone is asked for until it is back', LIMIT, async (context) => {
    let refuse = false;
    let refused = 0;
    const { sink, told, open } = await makeRig(context, {
      answer: (peer, sent) => {
        if (sent.method !== '60.20' || !refuse) return false;
        refused += 1;
        refuse = refused < 5;
        peer.closeChannel(sent.channel, 404, 'NOT_FOUND');
        return true;
      },
    });
    const client = await open();
    refuse = true;
    client.cancel(1);
    await sink.until(() => sink.opened.length === 2);
    assert.equal(refused, 5);
    assert.equal(told.filter((line) => line === 'calls waits E_BROKER_QUEUE_MISSING').length, 5);
  });

  test('a channel closed by the broker is answered, and its acks do not follow', LIMIT, async (context) => {
    const { consumer, sink, open } = await makeRig(context);
    const client = await open();
    client.deliver({ channel: 1, tag: 1, body: Buffer.from('a') });
    await sink.received(1);
    client.closeChannel(1, 406, 'PRECONDITION_FAILED - unknown delivery tag');
    await sink.until(() => sink.closed.length === 1);
    consumer.ack(1, 1, false);
    consumer.flush();
    await sink.until(() => sink.opened.length === 2);
    assert.equal(sink.closed[0]?.reason?.code, 'E_BROKER_CHANNEL_CLOSED');
    assert.equal(client.count('20.41'), 1);
    assert.equal(client.count('60.80'), 0);
    assert.equal(consumer.staleAcks, 1);
  });

  test(
    'a lost connection ends the epoch; the next one brings a new epoch, and old acks are dropped',
    LIMIT,
    async (context) => {
      const { consumer, sink, peer, link, told, open } = await makeRig(context);
      const client = await open();
      client.deliver({ channel: 1, tag: 1, body: Buffer.from('a') });
      await sink.received(1);
      client.reset();
      await sink.until(() => sink.opened.length === 2);
      assert.deepEqual(
        sink.closed.map(({ epoch, reason }) => [epoch, reason?.code]),
        [[1, 'E_BROKER_CONNECTION_CLOSED']],
      );
      consumer.ack(1, 1, true);
      consumer.nack(1, 1, true);
      consumer.flush();
      assert.equal(consumer.staleAcks, 2);
      const second = await peer.connection(1);
      second.deliver({ channel: 1, tag: 1, redelivered: true, body: Buffer.from('a') });
      await sink.received(2);
      consumer.ack(2, 1, false);
      consumer.flush();
      await second.received('60.80');
      assert.equal(second.count('60.80'), 1);
      assert.equal(link.health().reconnects, 1);
      assert.deepEqual(told, [
        'connected FakePeer 1.2.3',
        'lost E_BROKER_CONNECTION_CLOSED',
        'connected FakePeer 1.2.3',
      ]);
    },
  );

  test('a delivery cut off by the loss is not delivered', LIMIT, async (context) => {
    const { sink, open } = await makeRig(context);
    const client = await open();
    const bytes = Buffer.concat([method(1, 60, 60, shortString('c'), Buffer.alloc(7), u8(1), u8(0), u8(0), u8(0))]);
    client.send(bytes);
    client.reset();
    await sink.until(() => sink.opened.length === 2);
    assert.deepEqual(sink.deliveries, []);
  });

  test('cancel stops deliveries and leaves acks possible', LIMIT, async (context) => {
    const { consumer, sink, open } = await makeRig(context);
    const client = await open();
    client.deliver({ channel: 1, tag: 1, body: Buffer.from('a') });
    await sink.received(1);
    await Promise.all([consumer.cancel(), consumer.cancel()]);
    assert.equal(client.count('60.30'), 1);
    assert.equal(consumer.epoch, 1);
    consumer.ack(1, 1, false);
    consumer.flush();
    await client.received('60.80');
    assert.deepEqual(sink.closed, []);
  });

  test('cancel and close are confirmed also while reading is paused', LIMIT, async (context) => {
    const { consumer, link, open } = await makeRig(context);
    await open();
    link.setPaused(true);
    await consumer.cancel();
    await consumer.close();
  });

  test('a connection lost while cancelling ends the cancel, and no epoch follows', LIMIT, async (context) => {
    const { consumer, sink, peer, link, open } = await makeRig(context, {
      answer: (client, sent) => {
        if (sent.method === '60.30') client.reset();
        return sent.method === '60.30';
      },
    });
    await open();
    await consumer.cancel();
    assert.equal(consumer.epoch, 0);
    await peer.connection(1);
    await link.stop();
    assert.deepEqual(sink.opened, [1]);
  });

  test('close ends the epoch without a reason, at once, and nothing is delivered after it', LIMIT, async (context) => {
    const { consumer, sink, open } = await makeRig(context, {
      answer: (client, sent) => {
        if (sent.method === '20.40') client.deliver({ channel: 1, tag: 1, body: Buffer.from('late') });
        return false;
      },
    });
    await open();
    const closing = consumer.close();
    assert.deepEqual(sink.closed, [{ epoch: 1, reason: undefined }]);
    await closing;
    assert.deepEqual(sink.deliveries, []);
    assert.equal(consumer.epoch, 0);
  });

  test('resize consumes again with the new prefetch in a new epoch', LIMIT, async (context) => {
    const { consumer, sink, open } = await makeRig(context);
    const client = await open();
    await consumer.resize(9);
    assert.equal(consumer.epoch, 2);
    assert.deepEqual(sink.closed, [{ epoch: 1, reason: undefined }]);
    assert.deepEqual((await client.received('60.10', 2)).args, Buffer.concat([u32(0), u16(9), u8(0)]));
  });

  test('a message above the limit closes this channel only and is tried again later', LIMIT, async (context) => {
    const { sink, told, open } = await makeRig(context, {}, { maxMessageBytes: 100 });
    const client = await open();
    client.deliver({ channel: 1, tag: 1, body: Buffer.alloc(101) });
    await sink.until(() => sink.opened.length === 2);
    assert.equal(sink.closed[0]?.reason?.code, 'E_MESSAGE_TOO_LARGE');
    assert.ok(told.includes('calls waits E_MESSAGE_TOO_LARGE'));
    assert.deepEqual(sink.deliveries, []);
  });

  test('while paused nothing is read, and what waited comes after resuming', LIMIT, async (context) => {
    const { consumer, sink, link, open } = await makeRig(context);
    const client = await open();
    link.setPaused(true);
    client.deliver({ channel: 1, tag: 1, body: Buffer.from('waits') });
    consumer.ack(1, 1, false);
    consumer.flush();
    // The ack proves a round trip of the event loops on both sides after the delivery was written.
    await client.received('60.80');
    assert.deepEqual(sink.deliveries, []);
    link.setPaused(false);
    await sink.received(1);
  });

  test('over TLS too, with messages larger than a record and a frame', LIMIT, async (context) => {
    const tls = selfSignedCertificate();
    const { consumer, sink, link, open } = await makeRig(context, { tls }, { tls: { ca: tls.cert } });
    const client = await open();
    const bodies = [0, 200, 20_000, 400_000, 3_000_000].map((size) => Buffer.alloc(size, size));
    for (const [index, body] of bodies.entries()) client.deliver({ channel: 1, tag: index + 1, body });
    await sink.received(bodies.length);
    assert.ok(sink.deliveries.every(({ body }, index) => body.equals(bodies[index] as Buffer)));
    link.setPaused(true);
    client.deliver({ channel: 1, tag: 6, body: Buffer.from('waits') });
    consumer.ack(1, 5, true);
    consumer.flush();
    await client.received('60.80');
    assert.equal(sink.deliveries.length, bodies.length);
    link.setPaused(false);
    await sink.received(6);
  });

  test('a pause lasts over a reconnect, which reads what it needs itself', LIMIT, async (context) => {
    const { sink, link, peer, consumer, open } = await makeRig(context);
    const client = await open();
    link.setPaused(true);
    client.reset();
    await client.until(() => client.closed);
    // Who does not read learns of the reset by writing.
    consumer.ack(1, 1, false);
    consumer.flush();
    await sink.until(() => sink.opened.length === 2);
    const second = await peer.connection(1);
    second.deliver({ channel: 1, tag: 1, body: Buffer.from('waits') });
    consumer.ack(2, 1, false);
    consumer.flush();
    await second.received('60.80');
    assert.deepEqual(sink.deliveries, []);
    link.setPaused(false);
    await sink.received(1);
  });

  test('a broker that is blocked says so', LIMIT, async (context) => {
    const { link, told, open, sink } = await makeRig(context);
    const client = await open();
    client.send(method(0, 10, 60, shortString('low on memory')));
    client.deliver({ channel: 1, tag: 1, body: Buffer.from('a') });
    await sink.received(1);
    assert.deepEqual(link.health(), {
      state: 'blocked',
      server: 'FakePeer 1.2.3',
      reason: 'low on memory',
      reconnects: 0,
    });
    client.send(method(0, 10, 61));
    client.deliver({ channel: 1, tag: 2, body: Buffer.from('a') });
    await sink.received(2);
    assert.equal(link.health().state, 'connected');
    assert.deepEqual(told.slice(1), ['blocked low on memory', 'unblocked']);
  });
});
