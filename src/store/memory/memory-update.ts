/**
 * MongoDB's query and update language for documents in memory, by the library mingo, and what that leaves out: upserts,
 * `$setOnInsert`, and refusing what does not fit a document. What the library cannot do is refused, never skipped.
 * Known to differ: objects are equal in any order of their fields, bytes by the text that they spell, and integers beyond
 * 53 bits cannot be counted with.
 *
 * Loaded at the first update of a process: the library takes some 150 ms and 15 MB.
 */
import { Query, updateOne } from 'mingo';
import { BSON } from 'mongodb';
import { idKey } from './memory-collection.ts';
import { MemoryFault } from './memory-fault.ts';

export type Fields = Record<string, unknown>;
export type Filter = Readonly<Fields>;
export type Update = Readonly<Fields> | readonly Readonly<Fields>[];

export function matcherOf(filter: Filter): (document: Fields) => boolean {
  const query = new Query(filter);
  return (document) => query.test(document);
}

/** Throws for an update that fits no document at all. MongoDB refuses it also where nothing matches. */
export function checkUpdate(update: Update): void {
  if (isPipeline(update)) return;
  for (const [operator, changes] of Object.entries(update)) {
    if (!OPERATORS.has(operator)) throw new MemoryFault('refused', `unknown update operator: ${operator}`);
    if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
      throw new MemoryFault('refused', `${operator} takes a document`);
    }
    if (!COUNTING.has(operator)) continue;
    const stranger = Object.entries(changes).find(([, by]) => typeof by !== 'number');
    if (stranger === undefined) continue;
    throw new MemoryFault('refused', `${operator} of '${stranger[0]}' takes a number (of at most 53 bits)`);
  }
}

/** The one id that the filter can match, as a key; undefined where it may be any. */
export function keyOf(filter: Filter): string | undefined {
  const { _id: id } = equalities(filter);
  return id === undefined ? undefined : idKey(id);
}

/** Changes `document`, which belongs to the caller, and returns what it has become. */
export function updateDocument(document: Fields, filter: Filter, update: Update): Fields {
  const { _id: id } = document;
  const documents = [document];
  if (isPipeline(update)) updateOne(documents, filter, update as never);
  else {
    const { $setOnInsert: _onInsert, ...operators } = update;
    const wanted = idSetBy(operators);
    if (wanted !== undefined && idKey(wanted) !== idKey(id)) throw immutable();
    apply(documents, filter, withoutId(operators));
  }
  const changed = documents[0] as Fields;
  if (idKey(changed['_id']) !== idKey(id)) throw immutable();
  return changed;
}

/** What an upsert that matches nothing inserts. */
export function insertedBy(filter: Filter, update: Update): Fields {
  const { _id: filterId, ...equal } = equalities(filter);
  const documents: Fields[] = [{}];
  if (filterId !== undefined) documents[0] = { _id: filterId };
  if (Object.keys(equal).length > 0) apply(documents, {}, { $set: equal });
  if (isPipeline(update)) {
    updateOne(documents, {}, update as never);
    const made = documents[0] as Fields;
    if (filterId !== undefined && idKey(made['_id']) !== idKey(filterId)) throw immutable();
    return withSomeId(made, made['_id']);
  }
  const { $setOnInsert, ...operators } = update;
  const wanted = idSetBy(operators) ?? idSetBy({ $set: $setOnInsert });
  if (wanted !== undefined && filterId !== undefined && idKey(wanted) !== idKey(filterId)) throw immutable();
  const both = { ...operators, $set: { ...fieldsOf(operators['$set']), ...fieldsOf($setOnInsert) } };
  apply(documents, {}, withoutId(both));
  return withSomeId(documents[0] as Fields, filterId ?? wanted);
}

/** What a replacement makes of the document that it replaces. */
export function replacementOf(document: Fields, replacement: Readonly<Fields>): Fields {
  const { _id: id } = document;
  if (Object.hasOwn(replacement, '_id') && idKey(replacement['_id']) !== idKey(id)) throw immutable();
  return { _id: id, ...replacement };
}

/** What a replacing upsert that matches nothing inserts. */
export function insertedInPlace(filter: Filter, replacement: Readonly<Fields>): Fields {
  const { _id: filterId } = equalities(filter);
  const own = replacement['_id'];
  if (filterId !== undefined && own !== undefined && idKey(own) !== idKey(filterId)) throw immutable();
  return withSomeId(replacement, filterId ?? own);
}

/** The library ignores what does not fit; MongoDB refuses it. */
function apply(documents: Fields[], filter: Filter, operators: Readonly<Fields>): void {
  const document = documents[0] as Fields;
  for (const [operator, changes] of Object.entries(operators)) {
    for (const path of Object.keys(fieldsOf(changes))) {
      if (!path.includes('$')) checkPath(document, operator, path);
    }
  }
  updateOne(documents, filter, operators as never);
}

const OPERATORS = new Set(
  '$set $unset $inc $mul $min $max $rename $currentDate $bit $push $addToSet $pull $pullAll $pop $setOnInsert'.split(
    ' ',
  ),
);
const COUNTING = new Set(['$inc', '$mul']);
const FILLING = new Set(['$push', '$addToSet']);
const EMPTYING = new Set(['$pull', '$pullAll', '$pop']);
const REMOVING = new Set(['$unset', '$rename']);

function checkPath(document: Fields, operator: string, path: string): void {
  const names = path.split('.');
  const last = names.pop() as string;
  let holder: unknown = document;
  for (const name of names) {
    const inner: unknown = (holder as Fields)[name];
    if (inner === undefined) return;
    if (typeof inner !== 'object' || inner === null) {
      if (EMPTYING.has(operator) || REMOVING.has(operator)) return;
      throw new MemoryFault('refused', `${operator} cannot make '${path}': '${name}' holds no document`);
    }
    holder = inner;
  }
  const value: unknown = (holder as Fields)[last];
  if (value === undefined) return;
  if (COUNTING.has(operator) && typeof value !== 'number') {
    throw new MemoryFault('refused', `${operator} needs a number (of at most 53 bits) in '${path}'`);
  }
  if ((FILLING.has(operator) || EMPTYING.has(operator)) && !Array.isArray(value)) {
    throw new MemoryFault('refused', `${operator} needs an array in '${path}'`);
  }
}

/** Fields that the filter says the value of, as MongoDB reads them for an upsert. */
function equalities(filter: Filter): Fields {
  const found: Fields = {};
  for (const [name, value] of Object.entries(filter)) {
    if (name === '$and' && Array.isArray(value)) {
      for (const part of value) Object.assign(found, equalities(part as Filter));
    } else if (!name.startsWith('$')) {
      const operators = operatorsOf(value);
      if (operators === undefined) found[name] = value;
      else if (Object.hasOwn(operators, '$eq')) found[name] = operators['$eq'];
    }
  }
  return found;
}

/** Undefined for a plain value. A pattern is an operator too: it says no value. */
function operatorsOf(value: unknown): Filter | undefined {
  if (value instanceof RegExp) return { $regex: value };
  if (typeof value !== 'object' || value === null || '_bsontype' in value) return undefined;
  return Object.keys(value)[0]?.startsWith('$') === true ? (value as Filter) : undefined;
}

function idSetBy(operators: Readonly<Fields>): unknown {
  return fieldsOf(operators['$set'])['_id'];
}

/** The library refuses every `_id` in an update, also the one that is there. */
function withoutId(operators: Readonly<Fields>): Fields {
  if (!Object.hasOwn(fieldsOf(operators['$set']), '_id')) return operators;
  const { _id, ...rest } = fieldsOf(operators['$set']);
  return { ...operators, $set: rest };
}

function withSomeId(fields: Readonly<Fields>, id: unknown): Fields {
  const { _id, ...rest } = fields;
  return { _id: id ?? new BSON.ObjectId(), ...rest };
}

function fieldsOf(value: unknown): Readonly<Fields> {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function isPipeline(update: Update): update is readonly Readonly<Fields>[] {
  return Array.isArray(update);
}

function immutable(): MemoryFault {
  return new MemoryFault('refused', 'the _id of a document cannot be changed');
}
