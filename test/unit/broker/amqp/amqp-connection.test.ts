import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { AmqpConnection } from '../../../../src/broker/amqp/amqp-connection.ts';
import { AMQP_DEFAULTS, type AmqpBrokerOptions } from '../../../../src/broker/amqp/amqp-options.ts';
import { parseBrokerUrl } from '../../../../src/broker/amqp/broker-url.ts';
import type { ErrorCode } from '../../../../src/errors/codes.ts';
import { isRuntimeError, type RuntimeError } from '../../../../src/errors/runtime-error.ts';
import { longString, method, shortString, u8, u16, u32 } from '../../../support/amqp-frames.ts';
import { FakeAmqpPeer, type PeerScript, type SentFrame } from '../../../support/fake-amqp-peer.ts';
import { selfSignedCertificate } from '../../../support/self-signed-certificate.ts';

const LIMIT = { timeout: 10_000 };

interface Rig {
  readonly peer: FakeAmqpPeer;
  readonly connection: AmqpConnection;
  readonly lost: Promise<RuntimeError>;
  readonly blocked: string[];
}

async function makeRig(
  context: TestContext,
  script: PeerScript = {},
  options: Partial<AmqpBrokerOptions> = {},
  suffix = '',
): Promise<Rig> {
  const peer = await FakeAmqpPeer.start(script);
  const blocked: string[] = [];
  let tellLost: (error: RuntimeError) => void = () => undefined;
  const lost = new Promise<RuntimeError>((resolve) => {
    tellLost = resolve;
  });
  const resolved = { ...AMQP_DEFAULTS, urls: [peer.url], ...options };
  const connection = new AmqpConnection(parseBrokerUrl(peer.url + suffix), resolved, {
    blocked: (reason) => void blocked.push(reason),
    unblocked: () => void blocked.push('unblocked'),
    lost: (error) => tellLost(error),
  });
  context.after(async () => {
    await connection.close();
    await peer.stop();
  });
  return { peer, connection, lost, blocked };
}

async function rejectsWith(promise: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(isRuntimeError(error, code), `expected ${code}, got ${String(error)}`);
    assert.match(error.message, message);
    return true;
  });
}

const onStartOk = (answer: Buffer) => (peer: { send(bytes: Buffer): void }, sent: SentFrame) => {
  if (sent.method !== '10.11') return false;
  peer.send(answer);
  return true;
};
const closeFrame = (code: number, text: string): Buffer => method(0, 10, 50, u16(code), shortString(text), u32(0));

describe('AMQP connection', () => {
  test(
    'the handshake names the client, proves who it is and takes the smaller of both limits',
    LIMIT,
    async (context) => {
      const script = { channelMax: 100, frameMax: 8192, heartbeatSeconds: 60 };
      const { peer, connection } = await makeRig(context, script, {}, '/v%2Fh');
      await connection.open();
      assert.equal(connection.state, 'open');
      assert.equal(connection.server, 'FakePeer 1.2.3');
      const { sent } = await peer.connection(0);
      assert.deepEqual(
        sent.map((frame) => frame.method),
        ['greeting', '10.11', '10.31', '10.40'],
      );
      const startOk = (sent[1] as SentFrame).args.toString('latin1');
      for (const name of [
        'millrace',
        'consumer_cancel_notify',
        'basic.nack',
        'connection.blocked',
        'publisher_confirms',
      ]) {
        assert.ok(startOk.includes(name), name);
      }
      assert.ok(startOk.includes('authentication_failure_close'));
      assert.ok(startOk.includes('PLAIN\0\0\0\x0c\0guest\0guest'));
      assert.deepEqual((sent[2] as SentFrame).args, Buffer.concat([u16(100), u32(8192), u16(10)]));
      assert.deepEqual((sent[3] as SentFrame).args, Buffer.concat([shortString('v/h'), shortString(''), u8(0)]));
    },
  );

  test(
    'no limit on the other side leaves ours, and heartbeat=0 in the URL turns heartbeats off',
    LIMIT,
    async (context) => {
      const script = { channelMax: 0, frameMax: 0, heartbeatSeconds: 60 };
      const { peer, connection } = await makeRig(context, script, {}, '?heartbeat=0');
      await connection.open();
      const tuneOk = await (await peer.connection(0)).received('10.31');
      assert.deepEqual(tuneOk.args, Buffer.concat([u16(2047), u32(131_072), u16(0)]));
    },
  );

  test('EXTERNAL sends no credentials', LIMIT, async (context) => {
    const { peer, connection } = await makeRig(context, {}, {}, '?auth_mechanism=external');
    await connection.open();
    const startOk = await (await peer.connection(0)).received('10.11');
    assert.ok(startOk.args.includes(Buffer.concat([shortString('EXTERNAL'), longString(''), shortString('en_US')])));
    assert.ok(!startOk.args.includes('guest'));
  });

  const refusals: readonly (readonly [what: string, script: PeerScript, code: ErrorCode, message: RegExp])[] = [
    ['a mechanism that is not offered', { mechanisms: 'AMQPLAIN' }, 'E_BROKER_AUTH', /AMQPLAIN, expected PLAIN/],
    [
      'refused credentials',
      { answer: onStartOk(closeFrame(403, 'ACCESS_REFUSED - Login was refused')) },
      'E_BROKER_AUTH',
      /403 ACCESS_REFUSED/,
    ],
    [
      'a missing virtual host',
      {
        answer: (peer, sent) => {
          if (sent.method === '10.40') peer.closeConnection(530, 'NOT_ALLOWED - vhost x not found');
          return sent.method === '10.40';
        },
      },
      'E_BROKER_VHOST',
      /vhost x not found/,
    ],
    [
      'a peer that ends the connection',
      {
        answer: (peer) => {
          peer.socket.end();
          return true;
        },
      },
      'E_BROKER_UNREACHABLE',
      /closed the connection \(while greeting\)/,
    ],
    ['a peer that says nothing', { answer: () => true }, 'E_BROKER_UNREACHABLE', /no answer within 200 ms/],
    [
      'a peer that is no broker',
      {
        answer: (peer) => {
          peer.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
          return true;
        },
      },
      'E_BROKER_PROTOCOL',
      /HTTP/,
    ],
    ['a frame size below the least', { frameMax: 100 }, 'E_BROKER_PROTOCOL', /frame-max 100/],
    [
      'an answer out of turn',
      { answer: onStartOk(method(0, 10, 41)) },
      'E_BROKER_PROTOCOL',
      /10\.41 while authenticating/,
    ],
    [
      'a table that lies',
      { answer: (peer) => (peer.send(method(0, 10, 10, u8(0), u8(9), u32(9))), true) },
      'E_BROKER_PROTOCOL',
      /bytes left/,
    ],
  ];
  for (const [what, script, code, message] of refusals) {
    test(`${what} rejects the open with ${code}`, LIMIT, async (context) => {
      const { connection } = await makeRig(context, script, { connectTimeoutMs: 200 });
      await rejectsWith(connection.open(), code, message);
      assert.equal(connection.state, 'closed');
    });
  }

  test('nobody at that address rejects the open with E_BROKER_UNREACHABLE', LIMIT, async (context) => {
    const { peer, connection } = await makeRig(context);
    await peer.stop();
    await rejectsWith(connection.open(), 'E_BROKER_UNREACHABLE', /ECONNREFUSED/);
  });

  test(
    'whatever bytes come at whatever time, there is one coded error and the socket is gone',
    LIMIT,
    async (context) => {
      const garbage = fc.uint8Array({ minLength: 8, maxLength: 40 });
      const property = fc.asyncProperty(garbage, fc.constantFrom('greeting', '10.11', '10.40'), async (bytes, when) => {
        const answer: PeerScript['answer'] = (peer, sent) => {
          if (sent.method !== when) return false;
          peer.send(Buffer.from(bytes));
          peer.socket.end();
          return true;
        };
        const { connection, peer } = await makeRig(context, { answer });
        await assert.rejects(connection.open(), (error: unknown) => isRuntimeError(error));
        await connection.close();
        await peer.stop();
      });
      await fc.assert(property, { numRuns: 40 });
    },
  );

  test('a connection reset is a loss with E_BROKER_CONNECTION_CLOSED', LIMIT, async (context) => {
    const { peer, connection, lost } = await makeRig(context);
    await connection.open();
    (await peer.connection(0)).reset();
    assert.ok(isRuntimeError(await lost, 'E_BROKER_CONNECTION_CLOSED'));
  });

  test('connection.close from the broker is answered and told with its reply code', LIMIT, async (context) => {
    const { peer, connection, lost } = await makeRig(context);
    await connection.open();
    const client = await peer.connection(0);
    client.closeConnection(320, 'CONNECTION_FORCED - broker forced connection closure');
    const error = await lost;
    assert.ok(isRuntimeError(error, 'E_BROKER_CONNECTION_CLOSED'));
    assert.deepEqual(error.details, {
      replyCode: 320,
      replyText: 'CONNECTION_FORCED - broker forced connection closure',
    });
    await client.received('10.51');
    await client.until(() => client.closed);
  });

  test('malformed bytes on an open connection are a loss with E_BROKER_PROTOCOL', LIMIT, async (context) => {
    const { peer, connection, lost } = await makeRig(context);
    await connection.open();
    (await peer.connection(0)).send(method(5, 60, 60, Buffer.alloc(3)));
    assert.ok(isRuntimeError(await lost, 'E_BROKER_PROTOCOL'));
  });

  test('blocked and unblocked are passed on with the reason', LIMIT, async (context) => {
    const { peer, connection, blocked } = await makeRig(context);
    await connection.open();
    const client = await peer.connection(0);
    client.send(method(0, 10, 60, shortString('low on memory')), method(0, 10, 61));
    client.closeConnection(320, 'end');
    await client.received('10.51');
    assert.deepEqual(blocked, ['low on memory', 'unblocked']);
  });

  test('close says goodbye and waits for the answer', LIMIT, async (context) => {
    const { peer, connection } = await makeRig(context);
    await connection.open();
    await Promise.all([connection.close(), connection.close()]);
    const client = await peer.connection(0);
    assert.equal(client.count('10.50'), 1);
    await client.until(() => client.closed);
  });

  test('close during the handshake rejects the open', LIMIT, async (context) => {
    const { connection } = await makeRig(context, { answer: () => true });
    const opening = connection.open();
    await Promise.all([rejectsWith(opening, 'E_BROKER_CONNECTION_CLOSED', /by us/), connection.close()]);
  });

  test('TLS connects to a certificate it is told to trust', LIMIT, async (context) => {
    const certificate = selfSignedCertificate();
    const { peer, connection } = await makeRig(context, { tls: certificate }, { tls: { ca: certificate.cert } });
    assert.match(peer.url, /^amqps:/);
    await connection.open();
    await connection.close();
    assert.equal((await peer.connection(0)).count('10.50'), 1);
  });

  test('TLS refuses a certificate it does not know, unless told not to look', LIMIT, async (context) => {
    const tls = selfSignedCertificate();
    const wary = await makeRig(context, { tls });
    await rejectsWith(wary.connection.open(), 'E_BROKER_UNREACHABLE', /SELF_SIGNED|self-signed/i);
    const careless = await makeRig(context, { tls }, { tls: { rejectUnauthorized: false } });
    await careless.connection.open();
  });

  test('TLS shows the client certificate for EXTERNAL', LIMIT, async (context) => {
    const server = selfSignedCertificate();
    const client = selfSignedCertificate('worker');
    const script = { tls: { ...server, requestCert: true, rejectUnauthorized: true, ca: client.cert } };
    const tls = { ca: server.cert, ...client };
    const { peer, connection } = await makeRig(context, script, { tls }, '?auth_mechanism=external');
    await connection.open();
    assert.equal((await peer.connection(0)).count('10.40'), 1);
  });

  test('TLS with a broken key rejects the open', LIMIT, async (context) => {
    const { connection } = await makeRig(context, { tls: selfSignedCertificate() }, { tls: { cert: 'x', key: 'y' } });
    await rejectsWith(connection.open(), 'E_BROKER_UNREACHABLE', /cannot connect/);
  });

  test('plain AMQP on a TLS port says so', LIMIT, async (context) => {
    const { peer } = await makeRig(context, { tls: selfSignedCertificate() });
    const options = { ...AMQP_DEFAULTS, urls: [] };
    const events = { blocked: () => {}, unblocked: () => {}, lost: () => {} };
    const connection = new AmqpConnection(parseBrokerUrl(`amqp://127.0.0.1:${peer.port}`), options, events);
    await assert.rejects(connection.open(), (error: unknown) => {
      assert.ok(isRuntimeError(error));
      assert.ok(error.code === 'E_BROKER_PROTOCOL' || error.code === 'E_BROKER_UNREACHABLE', error.code);
      return true;
    });
  });
});

// Side by side, because each of them is about seconds that pass.
describe('AMQP connection over time', { concurrency: true }, () => {
  test('close gives up on a peer that does not answer', LIMIT, async (context) => {
    const { connection } = await makeRig(context, { answer: (_peer, sent) => sent.method === '10.50' });
    await connection.open();
    await connection.close();
    assert.equal(connection.state, 'closed');
  });

  for (const [how, stop] of [
    ['says nothing', false],
    ['says nothing and reads nothing', true],
  ] as const) {
    test(
      `a half-open peer that ${how} is noticed within twice the heartbeat, and got our beats`,
      LIMIT,
      async (context) => {
        const { peer, connection, lost } = await makeRig(context, { heartbeatSeconds: 1 });
        await connection.open();
        const openedAt = performance.now();
        const client = await peer.connection(0);
        if (stop) client.stopReading();
        else await client.received('8', 2);
        const error = await lost;
        assert.ok(isRuntimeError(error, 'E_BROKER_HEARTBEAT'));
        const seconds = (performance.now() - openedAt) / 1000;
        assert.ok(seconds > 1 && seconds < 2.3, `noticed after ${seconds} s`);
      },
    );
  }

  test('a peer that only sends heartbeats stays connected', LIMIT, async (context) => {
    const { peer, connection } = await makeRig(context, {
      heartbeatSeconds: 1,
      answer: (client, sent) => {
        if (sent.method === '8') client.send(Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xce]));
        return false;
      },
    });
    await connection.open();
    await (await peer.connection(0)).received('8', 6);
    assert.equal(connection.state, 'open');
  });

  test('while reading is paused silence is no loss, and beats go on', LIMIT, async (context) => {
    const { peer, connection } = await makeRig(context, { heartbeatSeconds: 1 });
    await connection.open();
    connection.setPaused(true);
    await (await peer.connection(0)).received('8', 5);
    assert.equal(connection.state, 'open');
  });
});
