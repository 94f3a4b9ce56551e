import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceGroup } from '../../../src/runtime/service-group.ts';
import type { Service } from '../../../src/support/service.ts';

function recorded(log: string[]): (name: string, failing?: 'start' | 'stop') => Service {
  return (name, failing) => ({
    start: async () => {
      if (failing === 'start') throw new Error(`${name} does not start`);
      log.push(`+${name}`);
    },
    stop: async () => {
      log.push(`-${name}`);
      if (failing === 'stop') throw new Error(`${name} does not stop`);
    },
  });
}

test('services start in order and stop in reverse', async () => {
  const log: string[] = [];
  const make = recorded(log);
  const group = new ServiceGroup().add(make('a')).add(make('b')).add(make('c'));
  await group.start();
  await group.stop();
  assert.deepEqual(log, ['+a', '+b', '+c', '-c', '-b', '-a']);
});

test('when one fails to start, those before it are stopped and the error comes through', async () => {
  const log: string[] = [];
  const make = recorded(log);
  const group = new ServiceGroup().add(make('a')).add(make('b')).add(make('c', 'start')).add(make('d'));
  await assert.rejects(group.start(), { message: 'c does not start' });
  assert.deepEqual(log, ['+a', '+b', '-b', '-a']);
  await group.stop();
  assert.deepEqual(log.length, 4, 'nothing is stopped twice');
});

test('one that fails to stop does not keep the others from stopping', async () => {
  const log: string[] = [];
  const make = recorded(log);
  const group = new ServiceGroup().add(make('a')).add(make('b', 'stop')).add(make('c'));
  await group.start();
  await assert.rejects(group.stop(), { message: 'b does not stop' });
  assert.deepEqual(log.slice(3), ['-c', '-b', '-a']);
});

test('several that fail to stop are told together', async () => {
  const make = recorded([]);
  const group = new ServiceGroup().add(make('a', 'stop')).add(make('b', 'stop'));
  await group.start();
  await assert.rejects(group.stop(), (error: unknown) => error instanceof AggregateError && error.errors.length === 2);
});

test('starting twice is one start, stopping twice is one stop', async () => {
  const log: string[] = [];
  const group = new ServiceGroup().add(recorded(log)('a'));
  await Promise.all([group.start(), group.start()]);
  await Promise.all([group.stop(), group.stop()]);
  assert.deepEqual(log, ['+a', '-a']);
});

test('a stop before the start leaves nothing to start', async () => {
  const log: string[] = [];
  const group = new ServiceGroup().add(recorded(log)('a'));
  await group.stop();
  await group.start();
  assert.deepEqual(log, []);
});

test('a service that joins later is stopped first', async () => {
  const log: string[] = [];
  const make = recorded(log);
  const group = new ServiceGroup().add(make('a'));
  await group.start();
  await group.startNext(make('b'));
  await group.stop();
  assert.deepEqual(log, ['+a', '+b', '-b', '-a']);
});
