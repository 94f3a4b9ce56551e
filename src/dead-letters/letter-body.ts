import { isUtf8 } from 'node:buffer';

/** What a body is, as far as its bytes and its content type tell. */
export type LetterBody =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array };

const HEX_BYTES_A_LINE = 16;
/** Control characters other than tab, line feed and carriage return: no text has them. */
// oxlint-disable-next-line no-control-regex
const NO_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/**
 * Reads a body without trusting what its properties say of it: JSON that does not parse is text, text that is no UTF-8
 * is binary. Compressed bodies are binary: unpacking what somebody else packed could fill the memory.
 */
export function readBody(body: Uint8Array, contentType = '', contentEncoding = ''): LetterBody {
  if (!isUtf8(body) || !['', 'utf-8', 'utf8', 'identity'].includes(contentEncoding.toLowerCase()))
    return { kind: 'binary', bytes: body };
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (contentType === '' || /[/+]json\b/i.test(contentType)) {
    try {
      return { kind: 'json', value: JSON.parse(text) as unknown };
    } catch {
      // Shown as what it is instead: that is often why the message is here.
    }
  }
  return NO_TEXT.test(text) ? { kind: 'binary', bytes: body } : { kind: 'text', text };
}

/** Lines for people: JSON indented, text as it is, bytes in hex with the characters beside them. At most `longest` characters. */
export function bodyLines(body: LetterBody, longest: number): readonly string[] {
  if (body.kind === 'binary') return hexLines(body.bytes, Math.floor(longest / 4));
  const text = body.kind === 'json' ? JSON.stringify(body.value, null, 2) : body.text;
  if (text.length <= longest) return text.split('\n');
  return [...text.slice(0, longest).split('\n'), `… ${text.length - longest} more characters`];
}

function hexLines(bytes: Uint8Array, most: number): readonly string[] {
  const shown = Buffer.from(bytes.subarray(0, most));
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += HEX_BYTES_A_LINE) {
    const line = shown.subarray(at, at + HEX_BYTES_A_LINE);
    const hex = line.toString('hex').replaceAll(/(..)(?=.)/g, '$1 ');
    const characters = line.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(HEX_BYTES_A_LINE * 3 - 1)}  ${characters}`);
  }
  return bytes.length > most ? [...lines, `… ${bytes.length - most} more bytes`] : lines;
}
