import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PrefetchSizer } from '../../../src/delivery/prefetch-sizer.ts';

const auto = { prefetch: 'auto' as const, threads: 1, concurrency: 1 };

/** The prefetch after so many tasks of this length, looked at every 150 ms. */
function after(sizer: PrefetchSizer, meanTaskMs: number, looks: number, from = 0): number[] {
  return Array.from({ length: looks }, (_, look) => {
    sizer.follow(meanTaskMs, 3 + look, from + 10_000 + look * 150);
    return sizer.current;
  });
}

test('it begins with 16 for each task that runs at once, and changes nothing before three batches have run', () => {
  const sizer = new PrefetchSizer({ ...auto, threads: 2, concurrency: 3 });
  assert.equal(sizer.current, 96);
  assert.equal(sizer.follow(0.001, 2, 10_000), false);
  assert.deepEqual(sizer.choice, { value: 96, why: '16 for each task at once, until some have run' });
});

test('microsecond tasks are pushed by 2,000', () => {
  const sizer = new PrefetchSizer(auto);
  assert.deepEqual(after(sizer, 0.002, 2), [2000, 2000]);
  assert.equal(sizer.choice.why, 'more brings little at 0.002 ms a task');
});

test('tasks of milliseconds are pushed by two seconds of work of all threads', () => {
  const sizer = new PrefetchSizer({ ...auto, threads: 4 });
  assert.deepEqual(after(sizer, 20, 1), [400]);
  assert.equal(sizer.choice.why, '2 s of work at 20 ms a task');
});

test('tasks of minutes keep what it begins with', () => {
  const sizer = new PrefetchSizer({ ...auto, threads: 2, concurrency: 2 });
  assert.equal(after(sizer, 120_000, 1).at(-1), 64);
});

test('it grows by double at least, at most ten times a second, and never shrinks', () => {
  const sizer = new PrefetchSizer(auto);
  assert.equal(sizer.follow(10, 5, 10_000), true);
  assert.equal(sizer.current, 200);
  assert.equal(sizer.follow(6, 6, 11_000), false);
  assert.equal(sizer.follow(5, 7, 11_000), true);
  assert.equal(sizer.current, 400);
  assert.equal(sizer.follow(0.1, 8, 11_050), false);
  assert.equal(sizer.follow(0.1, 9, 11_100), true);
  assert.equal(sizer.follow(1000, 10, 60_000), false);
  assert.equal(sizer.current, 2000);
});

test('a fixed prefetch stays', () => {
  const sizer = new PrefetchSizer({ ...auto, prefetch: 50 });
  assert.deepEqual(after(sizer, 0.001, 3), [50, 50, 50]);
  assert.deepEqual([sizer.highest, sizer.choice], [50, { value: 50, why: 'as given' }]);
});

test('whatever is measured, it lies between what it begins with and 2,000', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 256 }),
      fc.integer({ min: 1, max: 1000 }),
      fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }), { maxLength: 20 }),
      (threads, concurrency, means) => {
        const sizer = new PrefetchSizer({ prefetch: 'auto', threads, concurrency });
        means.forEach((mean, n) => sizer.follow(mean, 3 + n, 10_000 * (n + 1)));
        assert.ok(sizer.current >= Math.min(16 * threads * concurrency, 2000) && sizer.current <= sizer.highest);
      },
    ),
  );
});
