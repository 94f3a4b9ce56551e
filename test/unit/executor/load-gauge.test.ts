import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { LoadGauge } from '../../../src/executor/thread/load-gauge.ts';

class FakeThread extends EventEmitter {
  active = 0;
  idle = 0;
  readonly performance = {
    eventLoopUtilization: () => ({ active: this.active, idle: this.idle, utilization: 0 }),
  };

  has(active: number, idle: number): void {
    this.active = active;
    this.idle = idle;
  }
}

function rig(count: number): { gauge: LoadGauge; threads: FakeThread[] } {
  const gauge = new LoadGauge();
  const threads = Array.from({ length: count }, () => new FakeThread());
  for (const thread of threads) gauge.add(thread);
  return { gauge, threads };
}

test('the load is the sum over all threads', () => {
  const { gauge, threads } = rig(2);
  threads[0]?.has(10, 90);
  threads[1]?.has(40, 60);
  assert.deepEqual(gauge.total(), { busyMs: 50, aliveMs: 200 });
});

test('a thread that has ended counts as it was when last looked at', () => {
  const { gauge, threads } = rig(2);
  threads[0]?.has(10, 90);
  threads[1]?.has(40, 60);
  gauge.total();
  threads[0]?.has(0, 0); // what an exited thread answers
  threads[0]?.emit('exit', 0);
  threads[1]?.has(50, 60);
  assert.deepEqual(gauge.total(), { busyMs: 60, aliveMs: 210 });
});

test('a thread that answers nothing because it is just exiting is not taken for a new one', () => {
  const { gauge, threads } = rig(1);
  threads[0]?.has(10, 90);
  gauge.total();
  threads[0]?.has(0, 0);
  assert.deepEqual(gauge.total(), { busyMs: 10, aliveMs: 100 });
});
