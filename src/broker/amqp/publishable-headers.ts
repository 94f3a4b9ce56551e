import type { FieldTable } from '../../batch/field-table.ts';

const INT64_MIN = -(2 ** 63);

/**
 * Headers as rabbitmq-client can write them. It has no timestamp and no byte array of its own and would send both as
 * empty or numbered tables, so a Date goes out as its Unix seconds and bytes as base64 text. NaN, the infinities and
 * numbers below -2^63 go out as text: the client takes them for integers and closes the channel, and RabbitMQ closes the
 * connection for an infinity. Plain values, the usual case, are passed on untouched.
 */
export function publishableHeaders(headers: FieldTable): FieldTable {
  return Object.values(headers).some(needsConversion) ? convertTable(headers) : headers;
}

function convertTable(table: FieldTable): FieldTable {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, convert(value)]));
}

function convert(value: unknown): unknown {
  if (isUnwritable(value)) return String(value);
  if (!isObject(value)) return value;
  if (value instanceof Date) return Math.floor(value.getTime() / 1000);
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (Array.isArray(value)) return value.map(convert);
  return convertTable(value as FieldTable);
}

function needsConversion(value: unknown): boolean {
  return isObject(value) || isUnwritable(value);
}

function isUnwritable(value: unknown): value is number {
  return typeof value === 'number' && (!Number.isFinite(value) || value < INT64_MIN);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
