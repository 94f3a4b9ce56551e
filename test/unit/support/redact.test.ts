import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { redactSecrets } from '../../../src/support/redact.ts';

test('the password of a URL is hidden, the rest stays', () => {
  assert.equal(
    redactSecrets('no route to amqp://joe:s3cret@rabbit:5672/app'),
    'no route to amqp://joe:***@rabbit:5672/app',
  );
  assert.equal(redactSecrets('mongodb+srv://a:b@h/x, amqp://c:d@e'), 'mongodb+srv://a:***@h/x, amqp://c:***@e');
});

test('text without a secret is left as it is', () => {
  for (const text of ['', 'plain', 'amqp://rabbit:5672/app', 'mailto joe@example.org', 'http://h/p?a=b']) {
    assert.equal(redactSecrets(text), text);
  }
});

test('parameters that hold a secret are hidden', () => {
  assert.equal(
    redactSecrets('mongodb://h/?tlsCertificateKeyFilePassword=abc&x=1'),
    'mongodb://h/?tlsCertificateKeyFilePassword=***&x=1',
  );
});

test('no password survives, whatever it is made of', () => {
  const password = fc.string({
    unit: fc.constantFrom('a', 'Z', '9', '@', ':', '/', '%', '?', '#', '!'),
    minLength: 6,
    maxLength: 20,
  });
  fc.assert(
    fc.property(password, (secret) => !redactSecrets(`to amqp://joe:${secret}@host/v now`).includes(`:${secret}@`)),
  );
});
