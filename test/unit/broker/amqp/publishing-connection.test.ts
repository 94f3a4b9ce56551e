import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { encodeProperties, type MessageProperties } from '../../../../src/batch/message-properties.ts';
import { AMQP_DEFAULTS, type AmqpBrokerOptions } from '../../../../src/broker/amqp/amqp-options.ts';
import { PublishingConnection } from '../../../../src/broker/amqp/publishing-connection.ts';
import type { OutgoingMessage, Publisher } from '../../../../src/broker/broker.ts';
import { isRuntimeError } from '../../../../src/errors/runtime-error.ts';
import { contentHeader, frame, method, shortString, u8, u16, u64 } from '../../../support/amqp-frames.ts';
import { RECONNECT } from '../../../support/consumer-rig.ts';
import { FakeAmqpPeer, type PeerConnection, type PeerScript } from '../../../support/fake-amqp-peer.ts';

const LIMIT = { timeout: 10_000 };
const PUBLISH = '60.40';
const HEADER = '2';
const BODY = '3';

interface Rig {
  readonly peer: FakeAmqpPeer;
  readonly publisher: Publisher;
  readonly told: string[];
  /** The connection it publishes on, by the number of its life from 0. */
  client(life?: number): Promise<PeerConnection>;
}

/** A publisher on a connection to a peer that says only what the test makes it say once the channel is open. */
async function makeRig(
  context: TestContext,
  script: PeerScript = {},
  options: Partial<AmqpBrokerOptions> & { readonly window?: number } = {},
): Promise<Rig> {
  const peer = await FakeAmqpPeer.start({
    ...script,
    answer: (connection, sent) => {
      if (script.answer?.(connection, sent) === true) return true;
      if (sent.method !== '85.10') return false;
      connection.send(method(sent.channel, 85, 11));
      return true;
    },
  });
  const told: string[] = [];
  const { window = 100, ...rest } = options;
  const resolved = { ...AMQP_DEFAULTS, urls: [peer.url], reconnect: RECONNECT, ...rest };
  const connection = await PublishingConnection.open(resolved, {
    blocked: (reason) => void told.push(`blocked ${reason}`),
    unblocked: () => void told.push('unblocked'),
  });
  context.after(async () => {
    for (const each of peer.connections) each.destroy();
    await connection.close();
    await peer.stop();
  });
  return { peer, told, publisher: await connection.publisher({ window }), client: (life = 0) => peer.connection(life) };
}

function messageTo(routingKey: string, properties: MessageProperties = {}, body = '{}'): OutgoingMessage {
  return { exchange: '', routingKey, properties: { deliveryMode: 2, ...properties }, body: Buffer.from(body) };
}

/** Publishes, and keeps the outcomes in the order in which they became known. */
function record(publisher: Publisher): { readonly outcomes: string[]; publish(message: OutgoingMessage): void } {
  const outcomes: string[] = [];
  return {
    outcomes,
    publish: (message) => {
      const { messageId } = message.properties;
      publisher.submit(message, (error) => void outcomes.push(`${messageId} ${error?.code ?? 'confirmed'}`));
    },
  };
}

const ack = (tag: number, multiple = false): Buffer => method(1, 60, 80, u64(tag), u8(multiple ? 1 : 0));
const nack = (tag: number, multiple = false): Buffer => method(1, 60, 120, u64(tag), u8(multiple ? 1 : 0));

function returned(routingKey: string, properties: MessageProperties, body = '{}'): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([
    method(1, 60, 50, u16(312), shortString('NO_ROUTE'), shortString(''), shortString(routingKey)),
    contentHeader(1, bytes.length, encodeProperties({ deliveryMode: 2, ...properties })),
    ...(bytes.length === 0 ? [] : [frame(3, 1, bytes)]),
  ]);
}

describe('publishing connection', () => {
  test('it names itself, asks for confirms, and sends what is published with the mandatory flag', LIMIT, async (t) => {
    const { publisher, client } = await makeRig(t, {}, { connectionName: 'worker' });
    const peer = await client();
    assert.ok((await peer.received('10.11')).args.includes('worker publisher'));
    const published = publisher.publish(messageTo('calls', { messageId: 'm' }, 'body'));
    const { args } = await peer.received(PUBLISH);
    assert.deepEqual(args, Buffer.concat([u16(0), shortString(''), shortString('calls'), u8(1)]));
    assert.equal((await peer.received(BODY)).args.toString(), 'body');
    peer.send(ack(1));
    await published;
  });

  test('confirms and refusals settle what they name, of several messages the first first', LIMIT, async (t) => {
    const { publisher, client } = await makeRig(t);
    const { outcomes, publish } = record(publisher);
    for (let n = 1; n <= 8; n++) publish(messageTo('calls', { messageId: `m${n}` }));
    const peer = await client();
    await peer.received(BODY, 8);
    peer.send(ack(3), nack(2, true), ack(5, true), nack(7), ack(0, true));
    await publisher.drained();
    const [yes, no] = ['confirmed', 'E_PUBLISH_NACKED'];
    const expected = [
      `m3 ${yes}`,
      `m1 ${no}`,
      `m2 ${no}`,
      `m4 ${yes}`,
      `m5 ${yes}`,
      `m7 ${no}`,
      `m6 ${yes}`,
      `m8 ${yes}`,
    ];
    assert.deepEqual(outcomes, expected);
  });

  test('a message that comes back is unroutable at its own confirm, whatever is confirmed before', LIMIT, async (t) => {
    const { publisher, client } = await makeRig(t);
    const { outcomes, publish } = record(publisher);
    for (const [id, to] of ['calls', 'nowhere', 'calls', 'nowhere'].entries())
      publish(messageTo(to, { messageId: `m${id}` }));
    const peer = await client();
    await peer.received(BODY, 4);
    peer.send(
      returned('nowhere', { messageId: 'm1' }),
      ack(1),
      returned('nowhere', { messageId: 'm3' }, ''),
      ack(4, true),
    );
    await publisher.drained();
    assert.deepEqual(outcomes, ['m0 confirmed', 'm1 E_PUBLISH_UNROUTABLE', 'm2 confirmed', 'm3 E_PUBLISH_UNROUTABLE']);
  });

  test('returns of messages that are all alike belong to one each', LIMIT, async (t) => {
    const { publisher, client } = await makeRig(t);
    const { outcomes, publish } = record(publisher);
    for (let n = 0; n < 3; n++) publish(messageTo('nowhere', { messageId: 'same' }));
    const peer = await client();
    await peer.received(BODY, 3);
    const back = returned('nowhere', { messageId: 'same' });
    peer.send(back, ack(1), back, back, ack(3, true));
    await publisher.drained();
    assert.deepEqual(outcomes, Array<string>(3).fill('same E_PUBLISH_UNROUTABLE'));
  });

  test('a body is cut into frames as small as the server wants them', LIMIT, async (t) => {
    const { publisher, client } = await makeRig(t, { frameMax: 4096 });
    const body = 'x'.repeat(10_000);
    const published = publisher.publish(messageTo('calls', {}, body));
    const peer = await client();
    await peer.received(BODY, 3);
    const pieces = peer.sent.filter((sent) => sent.method === BODY).map(({ args }) => args);
    assert.deepEqual(
      pieces.map(({ length }) => length),
      [4088, 4088, 1824],
    );
    assert.equal(Buffer.concat(pieces).toString(), body);
    const header = { headers: { stack: 'x'.repeat(4096) } };
    await assert.rejects(publisher.publish(messageTo('calls', header)), { code: 'E_MESSAGE_MALFORMED' });
    peer.send(ack(1));
    await published;
  });

  test('no more than the window is unconfirmed, also behind one that is never settled', LIMIT, async (t) => {
    const { publisher, client } = await makeRig(t, {}, { window: 2 });
    const { outcomes, publish } = record(publisher);
    for (let n = 1; n <= 100; n++) publish(messageTo('calls', { messageId: `m${n}` }));
    const peer = await client();
    for (let tag = 2; tag <= 100; tag++) {
      await peer.received(BODY, tag);
      assert.equal(peer.count(PUBLISH), tag);
      peer.send(ack(tag));
    }
    peer.send(ack(1));
    await publisher.drained();
    assert.equal(outcomes.at(-1), 'm1 confirmed');
  });

  test(
    'a peer that takes nothing is not fed without end, and gets everything when it reads again',
    LIMIT,
    async (t) => {
      const count = 200;
      const { publisher, client } = await makeRig(t, {}, { window: 1000 });
      const peer = await client();
      peer.stopReading();
      let asked = 0;
      const address = { exchange: '', routingKey: 'calls' };
      const readdress = (): typeof address => (asked++, address);
      const body = Buffer.alloc(256 * 1024);
      const sent = Array.from({ length: count }, () =>
        publisher.publish({ ...address, properties: {}, body, readdress }),
      );
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(asked > 0 && asked < count, `${asked} of ${count} were encoded`);
      peer.socket.resume();
      await peer.received(HEADER, count);
      peer.send(ack(count, true));
      await Promise.all(sent);
    },
  );

  test('a channel that is closed for a missing exchange is replaced; the guilty are told apart', LIMIT, async (t) => {
    const { publisher, client } = await makeRig(t);
    const { outcomes, publish } = record(publisher);
    publish(messageTo('calls', { messageId: 'm1' }));
    publish({ ...messageTo('calls', { messageId: 'm2' }), exchange: 'gone' });
    const peer = await client();
    await peer.received(BODY, 2);
    peer.closeChannel(1, 404, "NOT_FOUND - no exchange 'gone' in vhost '/'");
    await publisher.drained();
    assert.deepEqual(outcomes, ['m1 E_PUBLISH_UNCONFIRMED', 'm2 E_PUBLISH_UNROUTABLE']);
    publish(messageTo('calls', { messageId: 'm3' }));
    await peer.received(BODY, 3);
    peer.send(ack(1));
    await publisher.drained();
    assert.equal(outcomes[2], 'm3 confirmed');
    assert.equal(peer.count('20.41'), 1);
  });

  test('on a lost connection what was sent is in doubt, and what waited goes out on the next one', LIMIT, async (t) => {
    const { publisher, client, told } = await makeRig(t, {}, { window: 1 });
    const { outcomes, publish } = record(publisher);
    publish(messageTo('calls', { messageId: 'm1' }));
    publish(messageTo('calls', { messageId: 'm2' }));
    const first = await client();
    await first.received(BODY);
    first.reset();
    const second = await client(1);
    await second.received(BODY);
    second.send(ack(1));
    await publisher.drained();
    assert.deepEqual(outcomes, ['m1 E_PUBLISH_UNCONFIRMED', 'm2 confirmed']);
    assert.deepEqual(told, ['unblocked']);
  });

  test('a confirm of a message that was never published ends the connection', LIMIT, async (t) => {
    const { publisher, client } = await makeRig(t);
    const published = publisher.publish(messageTo('calls'));
    const peer = await client();
    await peer.received(BODY);
    peer.send(ack(2));
    await assert.rejects(published, (error: unknown) => {
      assert.ok(isRuntimeError(error, 'E_PUBLISH_UNCONFIRMED'), String(error));
      assert.match(error.message, /confirm of message 2, expected at most 1/);
      return true;
    });
    await client(1);
  });

  test('that the broker blocks and unblocks is passed on', LIMIT, async (t) => {
    const { publisher, client, told } = await makeRig(t);
    const peer = await client();
    peer.send(method(0, 10, 60, shortString('low on memory')), method(0, 10, 61));
    const published = publisher.publish(messageTo('calls'));
    await peer.received(BODY);
    peer.send(ack(1));
    await published;
    assert.deepEqual(told, ['blocked low on memory', 'unblocked']);
  });

  test(
    'confirms that come before the close of the channel count, what they leave open is in doubt',
    LIMIT,
    async (t) => {
      const script: PeerScript = {
        answer: (peer, sent) => {
          if (sent.method === '20.40') peer.send(ack(1));
          return false;
        },
      };
      const { publisher } = await makeRig(t, script);
      const { outcomes, publish } = record(publisher);
      publish(messageTo('calls', { messageId: 'm1' }));
      publish(messageTo('calls', { messageId: 'm2' }));
      await publisher.close();
      assert.deepEqual(outcomes, ['m1 confirmed', 'm2 E_PUBLISH_UNCONFIRMED']);
    },
  );

  test('a channel that the broker refuses to open is told to whoever waits for the first one', LIMIT, async (t) => {
    const answer: PeerScript['answer'] = (peer, sent) => {
      if (sent.method !== '20.10') return false;
      peer.closeChannel(sent.channel, 530, 'NOT_ALLOWED - maximum allowed');
      return true;
    };
    await assert.rejects(makeRig(t, { answer }), { code: 'E_BROKER_CHANNEL_CLOSED', message: /maximum allowed/ });
  });

  test('a channel that the broker never opens is given up', LIMIT, async (t) => {
    const answer: PeerScript['answer'] = (_, sent) => sent.method === '20.10';
    const opening = makeRig(t, { answer }, { connectTimeoutMs: 50 });
    await assert.rejects(opening, { code: 'E_BROKER_CHANNEL_CLOSED', message: /no answer within 50 ms/ });
  });
});
