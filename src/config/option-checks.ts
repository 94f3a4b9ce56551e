/**
 * The vocabulary that check-options.ts is written in. A check throws a coded error that says what was got, what was
 * expected, and at which path; it returns nothing.
 */
import { inspect } from 'node:util';
import type { ErrorCode } from '../errors/codes.ts';
import { RuntimeError } from '../errors/runtime-error.ts';
import { formatByteSize, parseByteSize } from '../support/byte-size.ts';
import { closestWord } from '../support/closest-word.ts';
import { formatDuration, parseDuration } from '../support/duration.ts';
import { redactSecrets } from '../support/redact.ts';

export type Check = (value: unknown, path: string) => void;

export interface Field {
  readonly check: Check;
  readonly required: boolean;
}

const SHOWN_CHARACTERS = 80;

export function optional(check: Check): Field {
  return { check, required: false };
}

export function required(check: Check): Field {
  return { check, required: true };
}

/** An object with these keys and no others. */
export function group(fields: Readonly<Record<string, Field>>): Check {
  return (value, path) => {
    if (!isPlainObject(value)) refuse('E_OPTION_TYPE', path, value, 'an object');
    for (const key of Object.keys(value)) if (!(key in fields)) refuseKey(key, path, Object.keys(fields));
    for (const [key, field] of Object.entries(fields)) {
      const inner = path === '' ? key : `${path}.${key}`;
      if (value[key] !== undefined) field.check(value[key], inner);
      else if (field.required) throw new RuntimeError('E_OPTION_MISSING', `\`${inner}\` is required and was not given`);
    }
  };
}

export function integer(min: number, max: number): Check {
  return (value, path) => {
    const expected = `a whole number from ${min} to ${max}`;
    if (typeof value !== 'number') refuse('E_OPTION_TYPE', path, value, expected);
    if (!Number.isInteger(value) || value < min || value > max) refuse('E_OPTION_RANGE', path, value, expected);
  };
}

/** @param minMs - lowest, in ms */
export function duration(minMs: number, maxMs: number): Check {
  const expected = `a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}: ms, or text such as '30s'`;
  return ranged(parseDuration, minMs, maxMs, expected);
}

export function byteSize(minBytes: number, maxBytes: number): Check {
  const expected = `a size from ${formatByteSize(minBytes)} to ${formatByteSize(maxBytes)}: bytes, or text such as '64MiB'`;
  return ranged(parseByteSize, minBytes, maxBytes, expected);
}

export function oneOf(words: readonly string[]): Check {
  return (value, path) => {
    if (typeof value === 'string' && words.includes(value)) return;
    const meant = typeof value === 'string' ? suggestion(value, words) : '';
    const code = typeof value === 'string' ? 'E_OPTION_RANGE' : 'E_OPTION_TYPE';
    refuse(code, path, value, `one of ${words.map((word) => `'${word}'`).join(', ')}${meant}`);
  };
}

export function text(minLength: number, maxLength: number): Check {
  return (value, path) => {
    const expected = `text of ${minLength} to ${maxLength} characters`;
    if (typeof value !== 'string') refuse('E_OPTION_TYPE', path, value, expected);
    if (value.length < minLength || value.length > maxLength) refuse('E_OPTION_RANGE', path, value, expected);
  };
}

export const boolean: Check = (value, path) => {
  if (typeof value !== 'boolean') refuse('E_OPTION_TYPE', path, value, 'true or false');
};

export function list(element: Check, minLength: number, maxLength: number): Check {
  return (value, path) => {
    const expected = `a list of ${minLength} to ${maxLength}`;
    if (!Array.isArray(value)) refuse('E_OPTION_TYPE', path, value, expected);
    if (value.length < minLength || value.length > maxLength) refuse('E_OPTION_RANGE', path, value, expected);
    for (const [index, entry] of value.entries()) element(entry, `${path}[${index}]`);
  };
}

export function refuse(code: ErrorCode, path: string, got: unknown, expected: string): never {
  const shown = path === '' ? 'the options are' : `\`${path}\` is`;
  throw new RuntimeError(code, `${shown} ${show(got)}; expected ${expected}`, { details: { option: path } });
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function ranged(parse: (value: unknown) => number | undefined, min: number, max: number, expected: string): Check {
  return (value, path) => {
    const parsed = parse(value);
    if (parsed === undefined) refuse('E_OPTION_TYPE', path, value, expected);
    if (parsed < min || parsed > max) refuse('E_OPTION_RANGE', path, value, expected);
  };
}

function refuseKey(key: string, path: string, known: readonly string[]): never {
  const where = path === '' ? '' : ` in \`${path}\``;
  throw new RuntimeError(
    'E_OPTION_UNKNOWN',
    `there is no option \`${key}\`${where}${suggestion(key, known)}; known are ${known.join(', ')}`,
    { details: { option: path === '' ? key : `${path}.${key}` } },
  );
}

function suggestion(word: string, known: readonly string[]): string {
  const meant = closestWord(word, known);
  return meant === undefined ? '' : `; did you mean \`${meant}\`?`;
}

function show(value: unknown): string {
  const shown = redactSecrets(inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY }));
  return shown.length > SHOWN_CHARACTERS ? `${shown.slice(0, SHOWN_CHARACTERS)}…` : shown;
}
