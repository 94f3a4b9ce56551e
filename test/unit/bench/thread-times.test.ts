import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ThreadTimes } from '../../../bench/harness/thread-times.ts';

const ON_DEMAND = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', (ms) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    parentPort.postMessage('done');
  });
  parentPort.postMessage('ready');
`;

test('threads that wait are idle, and those that compute are busy', async () => {
  const times = new ThreadTimes();
  assert.equal(times.share, undefined);
  const threads = [0, 1].map(() => new Worker(ON_DEMAND, { eval: true }));
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  times.begin();
  const done = once(threads[0] as Worker, 'message');
  threads[0]?.postMessage(50);
  await done;
  times.end();
  assert.ok(times.share !== undefined && times.share > 0 && times.share <= 0.75, `one of two, not ${times.share}`);
  await Promise.all(threads.map((thread) => thread.terminate()));
});
