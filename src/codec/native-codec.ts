import { isUtf8 } from 'node:buffer';
import type { BatchReader } from '../batch/batch-reader.ts';
import { RuntimeError } from '../errors/runtime-error.ts';
import type { BodyKind, Codec } from './codec.ts';

const JSON_TYPE = Buffer.from('application/json');
const BYTES_TYPE = Buffer.from('application/octet-stream');
const JSON_TYPE_PATTERN = /^application\/(?:[^;\s]+\+)?json\s*(?:;|$)/i;
const BYTES_TYPE_PATTERN = /^application\/octet-stream\s*(?:;|$)/i;
const PLAIN_ENCODING_PATTERN = /^(?:identity|utf-?8)$/i;

/** What a decoder puts where bytes are not UTF-8; it may also be meant. */
const REPLACEMENT = '\uFFFD';
const SHOWN_CHARACTERS = 40;

/**
 * The format of our own client: JSON in UTF-8, or raw bytes.
 *
 * Cost: JSON.parse, and 0.1 µs to make a string of 200 bytes. Asking first whether the bytes are ASCII, to take the
 * faster Latin-1 way, costs more than it saves (bench/micro/batch-reader.bench.ts).
 */
export const nativeCodec: Codec = {
  name: 'native',
  decode(reader: BatchReader, body: BodyKind): unknown {
    const kind = body ?? kindOf(reader);
    if (kind === 'bytes') return reader.bytes.subarray(reader.bodyStart, reader.bodyEnd);
    if (reader.encodingEnd > reader.encodingStart) checkEncoding(reader);
    return parseJson(reader);
  },
};

function kindOf(reader: BatchReader): 'json' | 'bytes' {
  const { contentTypeStart: start, contentTypeEnd: end } = reader;
  if (start === end || reader.equals(start, end, JSON_TYPE)) return 'json';
  // Bytes under an encoding would reach the handler compressed without it having asked for that.
  if (reader.encodingEnd > reader.encodingStart) checkEncoding(reader);
  if (reader.equals(start, end, BYTES_TYPE)) return 'bytes';
  const contentType = reader.bytes.toString('utf8', start, end);
  if (JSON_TYPE_PATTERN.test(contentType)) return 'json';
  if (BYTES_TYPE_PATTERN.test(contentType)) return 'bytes';
  throw undecodable(
    `the content type is "${contentType}", expected application/json or application/octet-stream; ` +
      `a task with the option body: 'json' or 'bytes' takes any`,
  );
}

function checkEncoding(reader: BatchReader): void {
  const encoding = reader.bytes.toString('utf8', reader.encodingStart, reader.encodingEnd);
  if (PLAIN_ENCODING_PATTERN.test(encoding)) return;
  throw undecodable(
    `the content encoding is "${encoding}", expected none, identity or utf-8; a task with the option body: 'bytes' gets it as it is`,
  );
}

function parseJson(reader: BatchReader): unknown {
  const { bytes, bodyStart, bodyEnd } = reader;
  const text = bytes.utf8Slice(bodyStart, bodyEnd);
  if (text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(bodyStart, bodyEnd))) {
    throw undecodable(`the body is not UTF-8; it begins ${beginning(text)}`);
  }
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (text === '') throw undecodable('the body is empty, expected JSON');
    throw undecodable(`the body is not JSON: ${(thrown as SyntaxError).message}; it begins ${beginning(text)}`);
  }
}

function beginning(text: string): string {
  return `${JSON.stringify(text.slice(0, SHOWN_CHARACTERS))}${text.length > SHOWN_CHARACTERS ? '…' : ''}`;
}

function undecodable(reason: string): RuntimeError {
  return new RuntimeError('E_BODY_UNDECODABLE', reason);
}
