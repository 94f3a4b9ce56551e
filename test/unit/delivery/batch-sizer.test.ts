import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchSizer } from '../../../src/delivery/batch-sizer.ts';

const auto = { target: 'auto' as const, prefetch: 2000, threads: 1, concurrency: 1 };

test('batches start at one and at most double', () => {
  const sizer = new BatchSizer(auto);
  const targets: number[] = [];
  for (let n = 0; n < 6; n++) {
    targets.push(sizer.target);
    sizer.learn(sizer.target, sizer.target * 0.001);
  }
  assert.deepEqual(targets, [1, 2, 4, 8, 16, 32]);
});

test('microsecond tasks travel by as many as the prefetch allows, 50 ms tasks alone', () => {
  const short = new BatchSizer(auto);
  for (let n = 0; n < 40; n++) short.learn(short.target, short.target * 0.002);
  assert.equal(short.target, 500);
  const long = new BatchSizer(auto);
  for (let n = 0; n < 40; n++) long.learn(long.target, long.target * 50);
  assert.equal(long.target, 1);
  assert.equal(long.longTasks, true);
});

test('the target is about ten milliseconds of work', () => {
  const sizer = new BatchSizer(auto);
  for (let n = 0; n < 40; n++) sizer.learn(sizer.target, sizer.target * 0.5);
  assert.equal(sizer.target, 20);
});

test('one slow batch does not change the size of the next', () => {
  const sizer = new BatchSizer(auto);
  for (let n = 0; n < 40; n++) sizer.learn(sizer.target, sizer.target * 0.1);
  const before = sizer.target;
  sizer.learn(before, before * 100);
  assert.equal(sizer.target, before);
});

test('a batch is never smaller than what a thread runs at once', () => {
  const sizer = new BatchSizer({ ...auto, concurrency: 16 });
  for (let n = 0; n < 40; n++) sizer.learn(sizer.target, sizer.target * 100);
  assert.equal(sizer.target, 16);
});

test('a fixed target stays', () => {
  const sizer = new BatchSizer({ ...auto, target: 250 });
  for (let n = 0; n < 10; n++) sizer.learn(250, 250 * 100);
  assert.equal(sizer.target, 250);
});

test('a fixed target is kept to as far as the prefetch allows', () => {
  const sizer = new BatchSizer({ ...auto, target: 2048, prefetch: 16 });
  assert.deepEqual(sizer.choice, { value: 4, why: 'as much as the prefetch allows, less than was given' });
  sizer.prefetch = 2000;
  assert.equal(sizer.target, 500);
  sizer.prefetch = 10_000;
  assert.deepEqual(sizer.choice, { value: 2048, why: 'as given' });
  assert.equal(new BatchSizer({ ...auto, target: 2048, prefetch: 16, concurrency: 16 }).target, 16);
});

test('no prefetch gives a target below one', () => {
  assert.equal(new BatchSizer({ ...auto, prefetch: 1, threads: 8 }).target, 1);
});

test('a larger prefetch makes room for larger batches', () => {
  const sizer = new BatchSizer({ ...auto, prefetch: 16 });
  for (let n = 0; n < 20; n++) sizer.learn(sizer.target, sizer.target * 0.001);
  assert.deepEqual(sizer.choice, { value: 4, why: 'as much as the prefetch allows' });
  sizer.prefetch = 2000;
  for (let n = 0; n < 20; n++) sizer.learn(sizer.target, sizer.target * 0.001);
  assert.equal(sizer.target, 500);
});

test('it says where its target comes from', () => {
  const why = (options: Partial<typeof auto>, taskMs: number, batches: number): string => {
    const sizer = new BatchSizer({ ...auto, ...options });
    for (let n = 0; n < batches; n++) sizer.learn(sizer.target, sizer.target * taskMs);
    return sizer.choice.why;
  };
  assert.equal(why({}, 0.5, 0), 'nothing has run yet');
  assert.equal(why({}, 0.5, 2), 'grows from batch to batch, at 0.5 ms a task');
  assert.equal(why({}, 0.5, 20), '10 ms of work at 0.5 ms a task');
  assert.equal(why({ concurrency: 16 }, 100, 20), 'tasks that a thread runs at once');
  assert.equal(new BatchSizer({ ...auto, target: 7 }).choice.why, 'as given');
});
