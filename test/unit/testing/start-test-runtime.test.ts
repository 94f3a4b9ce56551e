import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestRuntime } from '../../../src/testing/index.ts';

const TASKS = new URL('../../fixtures/cli/tasks.ts', import.meta.url);

test('a task module runs on an embedded broker and store, and what it stored can be read', async () => {
  await using bench = await startTestRuntime({ tasks: TASKS, queues: ['calls'] });
  const id = await bench.client.send('store', { collection: 'calls', ms: 0, n: 7 }, { queue: 'calls' });
  await bench.settled();
  assert.deepEqual(bench.store.find('calls', id), { _id: id, n: 7 });
  assert.equal(bench.runtime.status().health, 'ok');
  assert.equal(bench.runtime.stats().succeeded, 1);
});

test('a message that no task takes is among the dead letters, with the reason', async () => {
  await using bench = await startTestRuntime({ tasks: TASKS, queues: ['calls'] });
  const id = await bench.client.send('there-is-none', { n: 1 }, { queue: 'calls' });
  await bench.settled();
  const [letter, ...others] = await bench.takeDeadLetters('calls');
  assert.equal(others.length, 0);
  assert.equal(letter?.properties.messageId, id);
  assert.match(JSON.stringify(letter?.properties.headers), /E_TASK_UNKNOWN/);
  assert.deepEqual(JSON.parse(Buffer.from(letter?.body ?? []).toString()), { n: 1 });
});

test('a wrong task module rejects the start with its code', async () => {
  const tasks = new URL('../../fixtures/tasks/empty.ts', import.meta.url);
  await assert.rejects(startTestRuntime({ tasks }), { code: 'E_TASK_MODULE_EMPTY' });
});
