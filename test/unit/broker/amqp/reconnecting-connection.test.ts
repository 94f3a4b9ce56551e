import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AMQP_DEFAULTS } from '../../../../src/broker/amqp/amqp-options.ts';
import { ReconnectingConnection } from '../../../../src/broker/amqp/reconnecting-connection.ts';
import { isRuntimeError } from '../../../../src/errors/runtime-error.ts';
import { makeConsumerRig as makeRig, RECONNECT } from '../../../support/consumer-rig.ts';
import { FakeAmqpPeer } from '../../../support/fake-amqp-peer.ts';

const LIMIT = { timeout: 10_000 };

describe('reconnecting connection', () => {
  test('hosts are tried in turn until one answers', LIMIT, async (context) => {
    const away = await FakeAmqpPeer.start();
    const silent = await FakeAmqpPeer.start({ answer: () => true });
    context.after(() => silent.stop());
    await away.stop();
    const rig = await makeRig(context);
    const urls = [away.url, silent.url, rig.peer.url];
    const options = { ...AMQP_DEFAULTS, urls, connectTimeoutMs: 100, reconnect: RECONNECT };
    const link = new ReconnectingConnection(options, {}, { connected: () => {}, disconnected: () => {} });
    await link.start();
    assert.equal(link.health().state, 'connected');
    await link.stop();
    assert.equal((await silent.connection(0)).closed, true);
  });

  test(
    'when no host can be used, the error names each and has the code of one that answered',
    LIMIT,
    async (context) => {
      const away = await FakeAmqpPeer.start();
      await away.stop();
      const refusing = await FakeAmqpPeer.start({
        answer: (peer, sent) => {
          if (sent.method === '10.11') peer.closeConnection(403, 'ACCESS_REFUSED');
          return sent.method === '10.11';
        },
      });
      context.after(() => refusing.stop());
      const options = { ...AMQP_DEFAULTS, urls: [away.url, refusing.url] };
      const link = new ReconnectingConnection(options, {}, { connected: () => {}, disconnected: () => {} });
      await assert.rejects(link.start(), (error: unknown) => {
        assert.ok(isRuntimeError(error, 'E_BROKER_AUTH'), String(error));
        assert.match(error.message, new RegExp(`${away.port}.*ECONNREFUSED.*${refusing.port}.*ACCESS_REFUSED`));
        return true;
      });
      assert.equal(link.health().state, 'created');
    },
  );

  test('credentials refused on a reconnect are reported and tried again', LIMIT, async (context) => {
    let refusals = 0;
    let refusing = false;
    const { sink, told, link, open } = await makeRig(context, {
      answer: (peer, sent) => {
        if (sent.method !== '10.11' || !refusing) return false;
        refusals += 1;
        refusing = refusals < 3;
        peer.closeConnection(403, 'ACCESS_REFUSED');
        return true;
      },
    });
    const client = await open();
    refusing = true;
    client.reset();
    await sink.until(() => sink.opened.length === 2);
    assert.equal(told.filter((line) => line === 'lost E_BROKER_AUTH').length, 3);
    assert.deepEqual([link.health().state, link.health().reconnects], ['connected', 1]);
  });

  test('stop while it waits or connects ends it', LIMIT, async (context) => {
    const { link, peer, told, open } = await makeRig(context);
    const client = await open();
    await peer.stop();
    await client.until(() => client.closed);
    await link.stop();
    const seen = told.length;
    assert.equal(link.health().state, 'stopped');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(told.length, seen);
  });
});
