import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BatchReader } from '../../../src/batch/batch-reader.ts';
import type { BodyKind } from '../../../src/codec/codec.ts';
import { nativeCodec } from '../../../src/codec/native-codec.ts';
import { type BatchMessage, makeBatch } from '../../support/make-batch.ts';

function decode(message: BatchMessage, body?: BodyKind): unknown {
  const reader = new BatchReader(makeBatch([{}, message, {}]), 'calls');
  reader.moveTo(1);
  return nativeCodec.decode(reader, body);
}

function undecodable(message: RegExp): { code: string; message: RegExp } {
  return { code: 'E_BODY_UNDECODABLE', message };
}

describe('nativeCodec', () => {
  it('gives back any JSON value, whatever characters are in it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'grapheme' }), (value, text) => {
        const payload = { value, text };
        assert.deepEqual(decode({ body: JSON.stringify(payload) }), JSON.parse(JSON.stringify(payload)));
      }),
    );
  });

  it('never gives a payload for bytes that are not UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (bytes) => {
        const body = Buffer.concat([
          Buffer.from('"'),
          bytes.filter((byte) => byte !== 0x22 && byte !== 0x5c && byte >= 0x20),
          Buffer.from('"'),
        ]);
        let expected: unknown;
        try {
          expected = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
        } catch {
          assert.throws(() => decode({ body }), undecodable(/not UTF-8/));
          return;
        }
        assert.deepEqual(decode({ body }), expected);
      }),
    );
  });

  it('takes U+FFFD where it is meant', () => {
    assert.equal(decode({ body: '"\uFFFD"' }), '\uFFFD');
  });

  it('decides by content type', () => {
    const body = '[1]';
    for (const contentType of [
      'application/json',
      'application/json; charset=utf-8',
      'Application/JSON',
      'application/cloudevents+json',
    ]) {
      assert.deepEqual(decode({ properties: { contentType }, body }), [1], contentType);
    }
    for (const contentType of ['application/octet-stream', 'Application/Octet-Stream']) {
      assert.deepEqual(decode({ properties: { contentType }, body }), Buffer.from(body), contentType);
    }
    for (const contentType of ['text/plain', 'application/jsonx', 'application/json-seq']) {
      assert.throws(
        () => decode({ properties: { contentType }, body }),
        undecodable(/the content type is "[^"]+", expected application\/json/),
      );
    }
  });

  it('lets the task decide instead', () => {
    assert.deepEqual(decode({ properties: { contentType: 'text/plain' }, body: '[1]' }, 'json'), [1]);
    const compressed = { properties: { contentType: 'application/json', contentEncoding: 'gzip' }, body: '[1]' };
    assert.deepEqual(decode(compressed, 'bytes'), Buffer.from('[1]'));
    assert.throws(() => decode(compressed, 'json'), undecodable(/content encoding is "gzip"/));
  });

  it('refuses a content encoding that it does not undo', () => {
    for (const contentEncoding of ['utf-8', 'UTF8', 'identity'])
      assert.equal(decode({ properties: { contentEncoding }, body: '1' }), 1);
    assert.throws(() => decode({ properties: { contentEncoding: 'br' }, body: '1' }), undecodable(/encoding is "br"/));
    const bytes = { properties: { contentEncoding: 'br', contentType: 'application/octet-stream' }, body: '1' };
    assert.throws(() => decode(bytes), undecodable(/encoding is "br"/));
  });

  it('says what it could not parse', () => {
    assert.throws(() => decode({ body: '' }), undecodable(/the body is empty, expected JSON/));
    assert.throws(
      () => decode({ body: '{"a":1,}' }),
      undecodable(/not JSON: .*position 7.*; it begins "\{\\"a\\":1,\}"/),
    );
    assert.throws(
      () => decode({ body: `x${'y'.repeat(100_000)}` }),
      (error: Error) => error.message.length < 300,
    );
  });
});
