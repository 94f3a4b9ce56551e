import type { OnceTask, StoreOperation } from '../../src/store/store.ts';

export function once(id: string, ...operations: StoreOperation[]): OnceTask {
  return { id, operations };
}

export function insert(
  collection: string,
  document: { _id: unknown; [field: string]: unknown },
  ifAbsent = false,
): StoreOperation {
  return { kind: 'insert', collection, document, ifAbsent };
}

type Fields = Readonly<Record<string, unknown>>;

export function update(
  collection: string,
  filter: Fields,
  change: Fields | readonly Fields[],
  upsert = false,
): StoreOperation {
  return { kind: 'update', collection, filter, update: change, upsert };
}

export function replace(collection: string, filter: Fields, document: Fields, upsert = false): StoreOperation {
  return { kind: 'replace', collection, filter, document, upsert };
}

export function remove(collection: string, filter: Fields): StoreOperation {
  return { kind: 'delete', collection, filter };
}
