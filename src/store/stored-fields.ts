import type { StoreDocument } from './store.ts';

/**
 * What will be stored of a document: a Map's entries, what its `toBSON` gives, else its own fields.
 * Throws TypeError for what is no document, and whatever a document's `toBSON` throws.
 */
export function fieldsOf(document: object): Readonly<Record<string, unknown>> {
  if (document instanceof Map) return Object.fromEntries(document);
  const { toBSON } = document as { toBSON?: unknown };
  const fields: unknown = typeof toBSON === 'function' ? toBSON.call(document) : document;
  if (!isFieldHolder(fields)) throw new TypeError(`a document must be an object with fields, got ${describe(fields)}`);
  return fields;
}

/** False for what a copy of own fields would silently empty: arrays, bytes, dates, the database's own value classes. */
function isFieldHolder(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  const isValue = value instanceof Date || value instanceof RegExp || value instanceof Set || '_bsontype' in value;
  return !isValue && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? `a value of class ${value.constructor.name}` : String(value);
}

/** True where the document brings no id of its own: the runtime then gives one. */
export function lacksId(fields: Readonly<Record<string, unknown>>): boolean {
  return fields['_id'] === undefined || fields['_id'] === null;
}

/** The `_id` that the runtime gives to the document of a task's `nth` effect. */
export function givenId(taskId: string, nth: number): string {
  return nth === 0 ? taskId : `${taskId}:${nth}`;
}

/** A copy with the id, because the document belongs to the task. `_id` first: a spread that comes first is four times slower. */
export function withId(fields: Readonly<Record<string, unknown>>, id: unknown): StoreDocument {
  return Object.hasOwn(fields, '_id') ? { ...fields, _id: id } : { _id: id, ...fields };
}
