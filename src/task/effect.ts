import { RuntimeError } from '../errors/runtime-error.ts';

const EFFECT = Symbol.for('millrace.Effect');

/** A document as a task gives it: a plain object; `_id` is added by the runtime where the task gives none. */
export type EffectDocument = Readonly<Record<string, unknown>>;

/** Which document is meant, in MongoDB's query language, e.g. `{ _id: 'order-7' }`. */
export type EffectFilter = Readonly<Record<string, unknown>>;

/** What happens to the document: update operators, e.g. `{ $inc: { calls: 1 } }`, or an aggregation pipeline. */
export type EffectUpdate = Readonly<Record<`$${string}`, unknown>> | readonly EffectDocument[];

export interface UpsertOptions {
  /**
   * Whether a document is inserted where the filter matches none.
   * @defaultValue `false`
   */
  readonly upsert?: boolean | undefined;
}

/**
 * What a task wants written. A task returns effects instead of writing by itself, so that the thread can write those
 * of a whole batch at once; an effect does nothing until it is returned.
 *
 * Recognised by a registered symbol on the prototype, so that two copies of the package understand each other and
 * an effect costs no more than its two fields.
 */
export class InsertEffect {
  readonly collection: string;
  readonly document: EffectDocument;

  constructor(collection: string, document: EffectDocument) {
    this.collection = collection;
    this.document = document;
  }

  get kind(): 'insert' {
    return 'insert';
  }
}

/** Made by `updateOne`. */
export class UpdateEffect {
  readonly collection: string;
  readonly filter: EffectFilter;
  readonly update: EffectUpdate;
  readonly upsert: boolean;

  constructor(collection: string, filter: EffectFilter, update: EffectUpdate, upsert: boolean) {
    this.collection = collection;
    this.filter = filter;
    this.update = update;
    this.upsert = upsert;
  }

  get kind(): 'update' {
    return 'update';
  }
}

/** Made by `replaceOne`. */
export class ReplaceEffect {
  readonly collection: string;
  readonly filter: EffectFilter;
  readonly document: EffectDocument;
  readonly upsert: boolean;

  constructor(collection: string, filter: EffectFilter, document: EffectDocument, upsert: boolean) {
    this.collection = collection;
    this.filter = filter;
    this.document = document;
    this.upsert = upsert;
  }

  get kind(): 'replace' {
    return 'replace';
  }
}

/** Made by `deleteOne`. */
export class DeleteEffect {
  readonly collection: string;
  readonly filter: EffectFilter;

  constructor(collection: string, filter: EffectFilter) {
    this.collection = collection;
    this.filter = filter;
  }

  get kind(): 'delete' {
    return 'delete';
  }
}

for (const { prototype } of [InsertEffect, UpdateEffect, ReplaceEffect, DeleteEffect]) {
  Object.defineProperty(prototype, EFFECT, { value: true });
}

/** Everything that can be written. */
export type Effect = InsertEffect | UpdateEffect | ReplaceEffect | DeleteEffect;

/**
 * Inserts one document, exactly once however often the message is delivered: its `_id` is the task's id
 * (`<id>:1`, … for further effects of the same task), and one that is there already counts as stored.
 * With an `_id` of your own that promise is gone: if it is there already, the task fails with E_STORE_CONFLICT.
 *
 * Throws E_TASK_OUTCOME, which fails the task, when `collection` is no name or `document` no object.
 */
export function insertOne(collection: string, document: EffectDocument): InsertEffect {
  if (typeof collection !== 'string' || collection === '') {
    throw misuse(`insertOne(collection, document): the collection must be a name, got ${describe(collection)}`);
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw misuse(`insertOne("${collection}", document): the document must be an object, got ${describe(document)}`);
  }
  return new InsertEffect(collection, document);
}

/**
 * Changes one document. All effects of a task with an `updateOne`, `replaceOne` or `deleteOne` are applied together, all
 * or nothing, in the order in which they are returned, and once however often the message is delivered: the store
 * remembers the task's id (store option `effectMemory`). For that the server must be a replica set, otherwise the task
 * fails with E_STORE_UNSUPPORTED; one member is enough. Costs five to ten times an `insertOne`.
 *
 * Nothing happens where the filter matches nothing, unless `upsert` is set.
 *
 * Throws E_TASK_OUTCOME, which fails the task, when the filter is empty or holds an undefined value, or when the update
 * has keys that are no operators.
 */
export function updateOne(
  collection: string,
  filter: EffectFilter,
  update: EffectUpdate,
  options?: UpsertOptions,
): UpdateEffect {
  const call = checkTarget('updateOne', collection, filter);
  if (Array.isArray(update)) {
    if (update.length === 0 || !update.every(isPlainObject)) {
      throw misuse(`${call}: a pipeline must be an array of stages, e.g. [{ $set: { … } }]`);
    }
  } else {
    if (!isPlainObject(update)) throw misuse(`${call}: the update must be an object, got ${describe(update)}`);
    const names = Object.keys(update);
    const stranger = names.find((name) => !name.startsWith('$'));
    if (names.length === 0 || stranger !== undefined) {
      const got = stranger === undefined ? 'nothing' : `the field "${stranger}"`;
      throw misuse(
        `${call}: the update must have operators only, e.g. { $set: { … } }, got ${got}; replaceOne takes a whole document`,
      );
    }
  }
  return new UpdateEffect(collection, filter, update, upsertOf(call, options));
}

/**
 * Puts a document in another's place; the `_id` stays. What `updateOne` says holds here too: together with the task's
 * other effects, all or nothing, once.
 *
 * Throws E_TASK_OUTCOME, which fails the task, when the filter is empty or holds an undefined value, or when the document
 * has operators.
 */
export function replaceOne(
  collection: string,
  filter: EffectFilter,
  document: EffectDocument,
  options?: UpsertOptions,
): ReplaceEffect {
  const call = checkTarget('replaceOne', collection, filter);
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw misuse(`${call}: the document must be an object, got ${describe(document)}`);
  }
  const operator = Object.keys(document).find((name) => name.startsWith('$'));
  if (operator !== undefined) {
    throw misuse(`${call}: the document must have no operators, got "${operator}"; updateOne takes operators`);
  }
  return new ReplaceEffect(collection, filter, document, upsertOf(call, options));
}

/**
 * Removes one document, nothing where the filter matches nothing. What `updateOne` says holds here too: together with
 * the task's other effects, all or nothing, once.
 *
 * Throws E_TASK_OUTCOME, which fails the task, when the filter is empty or holds an undefined value.
 */
export function deleteOne(collection: string, filter: EffectFilter): DeleteEffect {
  checkTarget('deleteOne', collection, filter);
  return new DeleteEffect(collection, filter);
}

export function isEffect(value: unknown): value is Effect {
  return typeof value === 'object' && value !== null && EFFECT in value;
}

/**
 * An empty filter takes any document, and so does an undefined value in one: it is stored as null, which matches every
 * document without the field. Both are forgotten values far more often than meant.
 *
 * @returns how the call begins, for messages about its other arguments
 */
function checkTarget(name: string, collection: unknown, filter: unknown): string {
  if (typeof collection !== 'string' || collection === '') {
    throw misuse(`${name}(collection, …): the collection must be a name, got ${describe(collection)}`);
  }
  const call = `${name}("${collection}", …)`;
  if (!isPlainObject(filter)) throw misuse(`${call}: the filter must be a plain object, got ${describe(filter)}`);
  let empty = true;
  for (const field in filter) {
    empty = false;
    if (filter[field] === undefined) {
      throw misuse(
        `${call}: "${field}" in the filter is undefined; leave it out, or say { $exists: false } for documents without it`,
      );
    }
  }
  if (empty) {
    throw misuse(`${call}: an empty filter would take any document; name the one that is meant, e.g. { _id: … }`);
  }
  return call;
}

function upsertOf(call: string, options: UpsertOptions | undefined): boolean {
  const upsert: unknown = options?.upsert ?? false;
  if (typeof upsert !== 'boolean') throw misuse(`${call}: upsert must be true or false, got ${describe(upsert)}`);
  return upsert;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function misuse(message: string): RuntimeError {
  return new RuntimeError('E_TASK_OUTCOME', message);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return `a value of class ${value.constructor.name}`;
  return value === '' ? 'an empty string' : `a ${typeof value}`;
}
