/**
 * What the compiler lets through and what it refuses. `tsc -p tsconfig.json` is the test: a line marked with
 * @ts-expect-error that compiles is an error. Nothing here runs.
 */
import { test } from 'node:test';
import type { Client } from '../../src/client/client.ts';
import { defineBatchTask, defineTask } from '../../src/task/define-task.ts';

interface Call {
  readonly caller: string;
  readonly seconds: number;
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <T extends true>(): T | undefined => undefined;

const recordCall = defineTask('record-call', (_call: Call) => {});
const optional = defineTask('optional', (_value: { readonly note?: string }) => {});
const image = defineTask('image', { queue: 'images' }, async (_bytes: Uint8Array) => {});
const score = defineBatchTask('score', (rows: Call[]) => rows.map(() => undefined));
const untyped = defineTask('untyped', () => {});

export async function payloads(client: Client): Promise<void> {
  await client.send(recordCall, { caller: 'a', seconds: 1 });
  await client.send(optional, {});
  await client.send(image, new Uint8Array(3));
  await client.send(image, Buffer.alloc(3));
  await client.send(score, { caller: 'a', seconds: 1 });
  await client.send(untyped, { anything: true });
  await client.send('by-name', { anything: true });
  await client.sendMany(recordCall, [{ caller: 'a', seconds: 1 }]);
  await client.sendMany(recordCall, new Set([{ caller: 'a', seconds: 1 }]));
  await client.sendMany(score, [{ caller: 'a', seconds: 1 }]);
  await client.sendMany('by-name', [1, 'two', null]);

  // @ts-expect-error a property is missing
  await client.send(recordCall, { caller: 'a' });
  // @ts-expect-error a property has the wrong type
  await client.send(recordCall, { caller: 'a', seconds: '1' });
  // @ts-expect-error a property too many
  await client.send(recordCall, { caller: 'a', seconds: 1, extra: true });
  // @ts-expect-error text is not bytes
  await client.send(image, 'text');
  // @ts-expect-error a batch task is sent row by row
  await client.send(score, [{ caller: 'a', seconds: 1 }]);
  // @ts-expect-error one of the payloads is of the wrong type
  await client.sendMany(recordCall, [
    { caller: 'a', seconds: 1 },
    { caller: 2, seconds: 1 },
  ]);
  // @ts-expect-error many payloads are an iterable
  await client.sendMany(recordCall, { caller: 'a', seconds: 1 });
}

export async function options(client: Client): Promise<void> {
  await client.send(recordCall, { caller: 'a', seconds: 1 }, { id: 'x', queue: 'q', priority: 1, headers: { a: 1 } });
  await client.send('by-name', 1, { delay: '30s', startWithin: 500 });
  await client.sendMany('by-name', [1], { at: new Date() });
  await client.send('by-name', 1, { at: Date.now() });
  // @ts-expect-error a duration has a unit
  await client.send('by-name', 1, { delay: '30' });
  // @ts-expect-error a time is a Date or a number
  await client.send('by-name', 1, { at: '2026-01-01' });
  // @ts-expect-error many messages cannot have one id
  await client.sendMany(recordCall, [], { id: 'x' });
  // @ts-expect-error a misspelt option
  await client.send(recordCall, { caller: 'a', seconds: 1 }, { que: 'q' });
}

export function results(client: Client): void {
  const one = client.send(recordCall, { caller: 'a', seconds: 1 });
  const many = client.sendMany(recordCall, []);
  same<Equal<typeof one, Promise<string>>>();
  same<Equal<typeof many, Promise<string[]>>>();
}

test('the types of the client are checked by the compiler', () => {});
