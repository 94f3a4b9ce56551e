import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadQueueName, suspectsQueueName } from '../../../src/broker/topology.ts';
import { bodies, dieHolding, makeBench, QUEUE } from '../../support/pipeline-bench.ts';
import { type ScriptedEnd, ScriptedExecutor } from '../../support/scripted-executor.ts';
import { until } from '../../support/until.ts';

test('a task that fails in all its attempts is dead-lettered with its reason, and its neighbours are acked', async () => {
  const executor = new ScriptedExecutor(1, ({ body }) => (body === 'm7' ? 'fail' : 'succeed'));
  const bench = await makeBench(executor);
  await bench.publish(bodies(20));
  await bench.pipeline.start();
  await until('the dead letter', () => bench.pipeline.counters().deadLettered === 1);
  await until('22 acks', () => bench.pipeline.counters().acked === 22);
  const [letter, ...more] = await bench.deadLetters();
  assert.deepEqual(more, []);
  assert.equal(letter?.body, 'm7');
  assert.equal(letter.headers['x-error-code'], 'E_TASK_FAILED');
  assert.equal(letter.headers['x-error-message'], 'scripted: fail');
  assert.equal(letter.headers['x-outcome'], 'failed');
  assert.equal(letter.headers['x-attempt'], 3);
  assert.equal(letter.headers['x-queue'], QUEUE);
  assert.equal(letter.headers['x-worker'], 'test:1');
  const history = letter.headers['x-history'] as { attempt: number; outcome: string; worker: string }[];
  assert.deepEqual(
    history.map(({ attempt, outcome, worker }) => [attempt, outcome, worker]),
    [1, 2, 3].map((attempt) => [attempt, 'failed', 'test:1']),
  );
  assert.equal(letter.properties.messageId, 'm7');
  assert.equal(letter.properties.type, 'scripted');
  assert.equal(executor.ran.length, 22);
  assert.equal(bench.pipeline.counters().retried, 2);
  await bench.stop();
});

test('a task that fails once succeeds in its second attempt', async () => {
  const executor = new ScriptedExecutor(1, ({ body, nth }) => (body === 'm3' && nth === 1 ? 'fail' : 'succeed'));
  const bench = await makeBench(executor);
  await bench.publish(bodies(8));
  await bench.pipeline.start();
  await until('8 successes', () => bench.pipeline.counters().succeeded === 8);
  await until('9 acks', () => bench.pipeline.counters().acked === 9);
  assert.equal(await bench.ready(deadQueueName(QUEUE)), 0);
  await bench.stop();
});

test('a task whose thread dies in all its attempts is dead-lettered, and no neighbour is charged', async () => {
  const executor = new ScriptedExecutor(1, ({ body }) => (body === 'm5' ? 'die' : 'succeed'));
  const bench = await makeBench(executor);
  await bench.publish(bodies(24));
  await bench.pipeline.start();
  await until('26 acks', () => bench.pipeline.counters().acked === 26);
  const letters = await bench.deadLetters();
  assert.deepEqual(
    letters.map(({ body, headers }) => [body, headers['x-error-code'], headers['x-outcome'], headers['x-attempt']]),
    [['m5', 'E_TASK_CRASHED', 'crashed', 3]],
  );
  assert.equal(executor.ran.filter((body) => body === 'm5').length, 3);
  for (const body of bodies(24))
    if (body !== 'm5') assert.equal(executor.ran.filter((ran) => ran === body).length, 1, body);
  await bench.stop();
});

test('a task that does not end costs its thread and its attempts, and its neighbours run once', async () => {
  const executor = new ScriptedExecutor(1, ({ body }) => (body === 'm2' ? 'loop' : 'succeed'));
  const bench = await makeBench(executor);
  await bench.publish(bodies(8));
  await bench.pipeline.start();
  await until('10 acks', () => bench.pipeline.counters().acked === 10);
  const letters = await bench.deadLetters();
  assert.deepEqual(
    letters.map(({ body, headers }) => [body, headers['x-error-code'], headers['x-outcome'], headers['x-attempt']]),
    [['m2', 'E_TASK_TIMEOUT', 'timed-out', 3]],
  );
  assert.equal(executor.terminated.length, 3);
  assert.equal(bench.pipeline.counters().timedOut, 3);
  for (const body of bodies(8))
    if (body !== 'm2') assert.equal(executor.ran.filter((ran) => ran === body).length, 1, body);
  await bench.stop();
});

test('a snoozed message comes back as the same attempt, a discarded one is gone', async () => {
  const script = ({ body, nth }: { body: string; nth: number }): ScriptedEnd => {
    if (body === 'm0') return { kind: 'discarded', reason: 'not wanted' };
    return body === 'm1' && nth <= 4 ? { kind: 'snoozed', delayMs: 1 } : 'succeed';
  };
  const bench = await makeBench(new ScriptedExecutor(1, script));
  await bench.publish(bodies(3));
  await bench.pipeline.start();
  await until('7 acks', () => bench.pipeline.counters().acked === 7);
  const { waited, discarded, succeeded, failed } = bench.pipeline.counters();
  assert.deepEqual({ waited, discarded, succeeded, failed }, { waited: 4, discarded: 1, succeeded: 2, failed: 0 });
  assert.equal(await bench.ready(deadQueueName(QUEUE)), 0);
  await bench.stop();
});

test('a message of an unknown task waits for a worker that knows it, and is dead-lettered after the limit', async () => {
  const error = { name: 'RuntimeError', code: 'E_TASK_UNKNOWN', message: 'scripted: unknown' };
  const script = ({ body, nth }: { body: string; nth: number }): ScriptedEnd =>
    body === 'm0' || nth === 1 ? { kind: 'failed', error } : 'succeed';
  const bench = await makeBench(new ScriptedExecutor(1, script));
  await bench.publish(bodies(2));
  await bench.pipeline.start();
  await until('5 acks', () => bench.pipeline.counters().acked === 5);
  const letters = await bench.deadLetters();
  assert.deepEqual(
    letters.map(({ body, headers }) => [body, headers['x-error-code'], headers['x-attempt'], headers['x-waits']]),
    [['m0', 'E_TASK_UNKNOWN', 1, 2]],
  );
  assert.equal(bench.pipeline.counters().succeeded, 1);
  await bench.stop();
});

test('a message too old to start goes to the queue its task names', async () => {
  const error = { name: 'RuntimeError', code: 'E_TASK_EXPIRED', message: 'scripted: too old' };
  const executor = new ScriptedExecutor(1, ({ body }) => (body === 'm1' ? { kind: 'expired', error } : 'succeed'));
  executor.description = { ...executor.description, expiredQueue: 'too-late' };
  const bench = await makeBench(executor);
  await bench.publish(bodies(3));
  await bench.pipeline.start();
  await until('3 acks', () => bench.pipeline.counters().acked === 3);
  assert.equal(await bench.ready('too-late'), 1);
  assert.equal(await bench.ready(deadQueueName(QUEUE)), 0);
  assert.equal(bench.pipeline.counters().expired, 1);
  await bench.stop();
});

test('a message that three processes died with is put aside, and its neighbours run', async () => {
  const bench = await makeBench(new ScriptedExecutor(1, () => 'succeed'));
  await bench.publish(['m0']);
  await dieHolding(bench, 3);
  await bench.publish(['m1']);
  await bench.pipeline.start();
  await until('the suspect is put aside', () => bench.pipeline.counters().suspects === 1);
  await until('the neighbour is done', () => bench.pipeline.counters().succeeded === 1);
  assert.equal(await bench.ready(suspectsQueueName(QUEUE)), 1);
  await bench.stop();
});

test('a message whose connection was lost again and again under a living process is no suspect', async () => {
  const executor = new ScriptedExecutor(1, () => 'succeed');
  executor.hold();
  const bench = await makeBench(executor);
  await bench.publish(['m0']);
  await bench.pipeline.start();
  for (let breaks = 1; breaks <= 5; breaks++) {
    await until('it is delivered', () => bench.pipeline.counters().received === breaks);
    bench.broker.breakConnection();
  }
  executor.release();
  await until('it is done', () => bench.pipeline.counters().acked === 1);
  assert.equal(bench.pipeline.counters().suspects, 0);
  await bench.stop();
});

test('a suspect whose process died in each of its attempts is dead-lettered as crashed', async () => {
  const executor = new ScriptedExecutor(1, () => 'succeed');
  const name = suspectsQueueName(QUEUE);
  const bench = await makeBench(executor, { queue: { name, home: QUEUE, suspects: true, prefetch: 1 } });
  await bench.publish(['m0'], name);
  await dieHolding(bench, 3);
  await bench.pipeline.start();
  await until('it is dead-lettered', () => bench.pipeline.counters().deadLettered === 1);
  const [letter] = await bench.deadLetters();
  assert.deepEqual([letter?.headers['x-error-code'], letter?.headers['x-attempt']], ['E_TASK_CRASHED', 3]);
  assert.equal(letter?.headers['x-queue'], QUEUE);
  assert.deepEqual(executor.ran, []);
  await bench.stop();
});

test('a task that ends its thread while its effects are written is found among its neighbours', async () => {
  const executor = new ScriptedExecutor(2, ({ body }) => (body === 'm5' ? 'die-writing' : 'write'));
  const bench = await makeBench(executor);
  await bench.publish(bodies(24));
  await bench.pipeline.start();
  await until('its dead letter', () => bench.pipeline.counters().deadLettered === 1);
  await until('the others', () => bench.pipeline.counters().succeeded === 23);
  const letters = await bench.deadLetters();
  assert.deepEqual(
    letters.map(({ body, headers }) => [body, headers['x-error-code'], headers['x-attempt']]),
    [['m5', 'E_TASK_CRASHED', 3]],
  );
  await bench.stop();
});
