import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { describeUrl, parseBrokerUrl, parseBrokerUrls } from '../../../../src/broker/amqp/broker-url.ts';
import { isRuntimeError } from '../../../../src/errors/runtime-error.ts';

describe('broker URL', () => {
  test('what is left out has a default', () => {
    const plain = {
      host: 'localhost',
      username: 'guest',
      password: 'guest',
      vhost: '/',
      mechanism: 'PLAIN',
      heartbeatSeconds: undefined,
    };
    assert.deepEqual(parseBrokerUrl('amqp://'), { ...plain, secure: false, port: 5672 });
    assert.deepEqual(parseBrokerUrl('amqps://localhost'), { ...plain, secure: true, port: 5671 });
  });

  test('each part is percent-decoded', () => {
    const target = parseBrokerUrl(
      'amqp://us%40er:p%2Fa%3Ass@h%6Fst.example:5673/v%2Fh?heartbeat=7&auth_mechanism=external',
    );
    assert.deepEqual(target, {
      secure: false,
      host: 'host.example',
      port: 5673,
      username: 'us@er',
      password: 'p/a:ss',
      vhost: 'v/h',
      mechanism: 'EXTERNAL',
      heartbeatSeconds: 7,
    });
  });

  test("no path, '/' and '/%2f' are the virtual host '/'", () => {
    for (const path of ['', '/', '/%2f', '/%2F']) assert.equal(parseBrokerUrl(`amqp://h${path}`).vhost, '/');
    assert.equal(parseBrokerUrl('amqp://h/calls').vhost, 'calls');
    assert.equal(parseBrokerUrl('amqp://h/%2fcalls').vhost, '/calls');
  });

  test('an IPv6 host loses its brackets and gets them back in the description', () => {
    const target = parseBrokerUrl('amqp://[::1]:5673/x');
    assert.equal(target.host, '::1');
    assert.equal(describeUrl(target), 'amqp://guest@[::1]:5673/x');
  });

  test('one URL or several are read, in order', () => {
    assert.deepEqual(
      parseBrokerUrls('amqp://a').map(({ host }) => host),
      ['a'],
    );
    assert.deepEqual(
      parseBrokerUrls(['amqp://a', 'amqps://b:1']).map(({ host, port }) => `${host}:${port}`),
      ['a:5672', 'b:1'],
    );
  });

  const wrong: readonly (readonly [url: string, message: RegExp])[] = [
    ['http://host', /scheme http:\/\//],
    ['localhost:5672', /scheme localhost:/],
    ['', /cannot be read/],
    ['amqp://host:99999', /cannot be read/],
    ['amqp://host:0', /port 0/],
    ['amqp://host/a/b', /%2F/],
    ['amqp://host/%zz', /percent-encoding in its virtual host/],
    [`amqp://host/${'v'.repeat(256)}`, /255/],
    ['amqp://host?heartbeat=-1', /heartbeat=-1/],
    ['amqp://host?heartbeat=70000', /heartbeat=70000/],
    ['amqp://host?auth_mechanism=amqplain', /auth_mechanism=AMQPLAIN/],
    ['amqp://host?verify=verify_peer', /unknown parameter 'verify'/],
  ];
  for (const [url, message] of wrong) {
    test(`'${url.slice(0, 40)}' is refused with what was got and what is expected`, () => {
      assert.throws(
        () => parseBrokerUrl(url),
        (error: unknown) => {
          assert.ok(isRuntimeError(error, 'E_BROKER_URL'));
          assert.match(error.message, message);
          assert.match(error.message, /expected amqp/);
          return true;
        },
      );
    });
  }

  test('an empty list is refused', () => {
    assert.throws(
      () => parseBrokerUrls([]),
      (error: unknown) => isRuntimeError(error, 'E_BROKER_URL'),
    );
  });

  test('no password is ever in a description or an error, well-formed or not', () => {
    const secret = 'sEcr3t';
    const text = fc.string({ maxLength: 12 }).map((rest) => rest.replaceAll('@', '').replaceAll(secret, ''));
    const property = fc.property(
      fc.constantFrom('amqp://', 'amqps:', 'http://', ''),
      text,
      text,
      (scheme, user, rest) => {
        const url = `${scheme}${user}:${secret}@host${rest}`;
        let shown: string;
        try {
          shown = describeUrl(parseBrokerUrl(url));
        } catch (error) {
          assert.ok(isRuntimeError(error, 'E_BROKER_URL'), String(error));
          assert.equal(error.cause, undefined);
          shown = `${error.message} ${error.stack}`;
        }
        assert.ok(!shown.includes(secret), shown);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});
