import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Broker } from '../../../src/broker/broker.ts';
import { defaultThreads } from '../../../src/config/defaults.ts';
import { resolveOptions } from '../../../src/config/resolve-options.ts';
import type { Store } from '../../../src/store/store.ts';
import { DEFAULT_RETRY } from '../../../src/task/retry-policy.ts';

test('what is not given is filled in, in the unit of its name', () => {
  assert.deepEqual(resolveOptions({ tasks: 'tasks.js' }), {
    tasks: pathToFileURL(resolve('tasks.js')),
    broker: {
      kind: 'amqp',
      urls: ['amqp://localhost'],
      tls: undefined,
      heartbeatMs: 10_000,
      connectTimeoutMs: 10_000,
      connectionName: 'millrace',
    },
    store: undefined,
    queues: [{ name: 'default', task: undefined, prefetch: 'auto', weight: 1, retry: DEFAULT_RETRY }],
    queueType: 'quorum',
    declare: true,
    threads: defaultThreads(),
    batch: { target: 'auto', maxBytes: 1_048_576, maxAgeMs: 5 },
    creditBytes: 67_108_864,
    timeouts: { taskMs: 900_000, graceMs: 2_000 },
    unknownTasks: { waitMs: 10_000, limit: 60 },
    delayPrefix: 'millrace.delay',
    threadLimits: {
      heapBytes: undefined,
      recycleTasks: undefined,
      recycleHeapBytes: undefined,
      recycleAgeMs: undefined,
    },
    shutdown: { graceMs: 25_000 },
    log: { kind: 'level', level: 'info' },
    signals: false,
  });
});

test('a queue of its own settings keeps them, others take the prefetch of the runtime', () => {
  const { queues } = resolveOptions({
    tasks: 't.js',
    prefetch: 50,
    retry: { attempts: 9, delay: '2s' },
    queues: ['a', { name: 'b', task: 'score', prefetch: 7, weight: 3, retry: { attempts: 1 } }],
  });
  const retry = { ...DEFAULT_RETRY, attempts: 9, delayMs: 2_000 };
  assert.deepEqual(queues, [
    { name: 'a', task: undefined, prefetch: 50, weight: 1, retry },
    { name: 'b', task: 'score', prefetch: 7, weight: 3, retry: { ...retry, attempts: 1 } },
  ]);
});

test('a module is a URL, or a path from the working directory', () => {
  const url = new URL('file:///app/tasks.js');
  assert.equal(resolveOptions({ tasks: url }).tasks, url);
  assert.equal(resolveOptions({ tasks: 'file:///app/tasks.js' }).tasks.href, url.href);
  assert.equal(resolveOptions({ tasks: '/app/tasks.js' }).tasks.href, url.href);
});

test('one URL, several and settings give the same kind of broker', () => {
  const urls = ['amqp://a', 'amqp://b'];
  const several = resolveOptions({ tasks: 't.js', broker: urls }).broker;
  assert.deepEqual(resolveOptions({ tasks: 't.js', broker: { urls } }).broker, several);
  const one = resolveOptions({ tasks: 't.js', broker: { urls: 'amqp://a', heartbeat: '2s' } }).broker;
  assert.ok(one.kind === 'amqp');
  assert.deepEqual([one.urls, one.heartbeatMs], [['amqp://a'], 2_000]);
});

test('a broker, a store and a logger that the caller made are taken as they are', () => {
  const service = { start: async () => {}, stop: async () => {} };
  const broker = service as unknown as Broker;
  const store = service as unknown as Store;
  const resolved = resolveOptions({ tasks: 't.js', broker, store, log: console });
  assert.deepEqual(
    [resolved.broker, resolved.store, resolved.log],
    [
      { kind: 'instance', broker },
      { kind: 'instance', store },
      { kind: 'instance', logger: console },
    ],
  );
});

test('the cores share: one is left to the main thread, and there is always a thread', () => {
  assert.ok(defaultThreads() >= 1);
});
