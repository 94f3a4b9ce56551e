import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bodyLines, readBody } from '../../../src/dead-letters/letter-body.ts';

test('JSON is indented, also where no content type says that it is JSON', () => {
  const bytes = Buffer.from('{"a":[1]}');
  for (const type of ['application/json', 'application/problem+json', 'application/json; charset=utf-8', '']) {
    const body = readBody(bytes, type);
    assert.equal(body.kind, 'json', type);
    assert.deepEqual(bodyLines(body, 1_000), ['{', '  "a": [', '    1', '  ]', '}']);
  }
});

test('JSON that does not parse is text, as it is', () => {
  const body = readBody(Buffer.from('{"a": '), 'application/json');
  assert.deepEqual([body.kind, bodyLines(body, 1_000)], ['text', ['{"a": ']]);
  assert.equal(readBody(Buffer.from('[1]'), 'text/plain').kind, 'text');
});

test('what is no text is shown in hex beside its characters', () => {
  const body = readBody(Buffer.from('\u0000abcdefghijklmnopq\u00ff', 'latin1'), 'application/octet-stream');
  assert.equal(body.kind, 'binary');
  assert.deepEqual(bodyLines(body, 1_000), [
    '000000  00 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f  .abcdefghijklmno',
    '000010  70 71 ff                                         pq.',
  ]);
});

test('what is compressed is not unpacked', () => {
  assert.equal(readBody(Buffer.from('{}'), 'application/json', 'gzip').kind, 'binary');
  assert.equal(readBody(Buffer.from('{}'), 'application/json', 'UTF-8').kind, 'json');
});

test('long bodies are cut, with how much is missing', () => {
  assert.deepEqual(bodyLines(readBody(Buffer.from('x'.repeat(30)), 'text/plain'), 10), [
    'x'.repeat(10),
    '… 20 more characters',
  ]);
  assert.equal(bodyLines(readBody(Buffer.alloc(100)), 64).at(-1), '… 84 more bytes');
});

test('any bytes can be read and shown', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom('', 'application/json', 'text/plain'),
      (bytes, type) => {
        assert.ok(bodyLines(readBody(bytes, type), 1_000).every((line) => typeof line === 'string'));
      },
    ),
  );
});
