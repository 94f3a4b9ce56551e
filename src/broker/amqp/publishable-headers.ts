import type { FieldTable } from '../../batch/field-table.ts';

/**
 * Headers as RabbitMQ takes them: it closes the whole connection for NaN and the infinities, so they go out as text.
 * Other values, the usual case, are passed on untouched.
 */
export function publishableHeaders(headers: FieldTable): FieldTable {
  return hasUnwritable(headers, 0) ? convertTable(headers) : headers;
}

/** Deeper than tables may be nested; what is deeper, or cyclic, is refused where its bytes are counted. */
const DEEPEST = 100;

function hasUnwritable(value: unknown, depth: number): boolean {
  if (isUnwritable(value)) return true;
  if (!isContainer(value) || depth > DEEPEST) return false;
  for (const each of Object.values(value)) if (hasUnwritable(each, depth + 1)) return true;
  return false;
}

function convertTable(table: FieldTable): FieldTable {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, convert(value)]));
}

function convert(value: unknown): unknown {
  if (isUnwritable(value)) return String(value);
  if (!isContainer(value)) return value;
  return Array.isArray(value) ? value.map(convert) : convertTable(value as FieldTable);
}

function isUnwritable(value: unknown): value is number {
  return typeof value === 'number' && !Number.isFinite(value);
}

/** An array or a plain object; anything else is no table, and is left to be written or refused as it is. */
function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
