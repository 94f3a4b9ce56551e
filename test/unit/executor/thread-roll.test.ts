import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { type ThreadExit, ThreadRoll } from '../../../src/executor/thread/thread-roll.ts';

const STUCK_AFTER_MS = 10_000;

/** As much of a thread as the roll looks at. */
class FakeThread extends EventEmitter {
  readonly threadId: number;
  terminations = 0;

  constructor(threadId: number) {
    super();
    this.threadId = threadId;
  }

  terminate(): Promise<number> {
    this.terminations++;
    return new Promise(() => undefined);
  }
}

class Rig {
  readonly exits: ThreadExit[] = [];
  readonly stuck: [number, string][] = [];
  readonly started: number[] = [];
  readonly threads: FakeThread[];
  readonly roll = new ThreadRoll(
    {
      started: (threadId) => this.started.push(threadId),
      exited: (exit) => this.exits.push(exit),
      stuck: (threadId, reason) => this.stuck.push([threadId, reason]),
    },
    { heapBytes: undefined, stuckAfterMs: STUCK_AFTER_MS },
  );

  constructor(count: number) {
    this.threads = Array.from({ length: count }, (_, n) => new FakeThread(n + 1));
    this.roll.add(this.threads as unknown as Worker[]);
    for (const { threadId } of this.threads) this.roll.markReady(threadId);
  }

  thread(threadId: number): FakeThread {
    return this.threads[threadId - 1] as FakeThread;
  }
}

describe('ThreadRoll', () => {
  it('takes up each thread once', () => {
    const rig = new Rig(2);
    rig.roll.add(rig.threads as unknown as Worker[]);
    assert.deepEqual(rig.started, [1, 2]);
  });

  it('gives the reason that a thread was ended for, and says that it was wanted', async () => {
    const rig = new Rig(1);
    assert.equal(rig.roll.isEnding(1), false);
    rig.roll.end(1, 'too slow');
    rig.roll.end(1, 'again');
    assert.equal(rig.roll.isEnding(1), true);
    assert.equal(rig.thread(1).terminations, 1);
    const exited = rig.roll.exited(1);
    rig.thread(1).emit('exit', 1);
    assert.deepEqual(rig.exits, [{ threadId: 1, reason: 'too slow', wanted: true, hadFinished: false }]);
    assert.equal(await exited, 'too slow');
  });

  it('of a thread that broke before it was ended keeps what it died of', () => {
    const rig = new Rig(1);
    rig.roll.markFinished(1);
    rig.thread(1).emit('error', new TypeError('x is no function'));
    rig.roll.end(1, 'too slow');
    rig.thread(1).emit('exit', 1);
    assert.deepEqual(rig.exits, [
      { threadId: 1, reason: 'TypeError: x is no function', wanted: false, hadFinished: true },
    ]);
  });

  it('ends a thread that is not ready only when it is', () => {
    const rig = new Rig(0);
    const thread = new FakeThread(9);
    rig.roll.add([thread as unknown as Worker]);
    rig.roll.end(9, 'too early');
    assert.equal(rig.roll.isEnding(9), true);
    assert.equal(thread.terminations, 0);
    rig.roll.markReady(9);
    assert.equal(thread.terminations, 1);
  });

  it('ends all, ready or not, each for its first reason', () => {
    const rig = new Rig(2);
    const unready = new FakeThread(9);
    rig.roll.add([unready as unknown as Worker]);
    rig.roll.end(1, 'too slow');
    rig.roll.end(9, 'too early');
    rig.roll.endAll('stopped');
    for (const thread of [...rig.threads, unready]) thread.emit('exit', 1);
    assert.deepEqual(
      rig.exits.map(({ threadId, reason }) => [threadId, reason]),
      [
        [1, 'too slow'],
        [2, 'stopped'],
        [9, 'too early'],
      ],
    );
    assert.deepEqual(
      [...rig.threads, unready].map((thread) => thread.terminations),
      [1, 1, 1],
    );
  });

  it('calls a thread stuck that has not exited in time, once, and none that has', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const rig = new Rig(2);
    rig.roll.endAll('stopped');
    const settled = rig.roll.allSettled();
    rig.thread(1).emit('exit', 1);
    t.mock.timers.tick(STUCK_AFTER_MS - 1);
    assert.deepEqual(rig.stuck, []);
    t.mock.timers.tick(STUCK_AFTER_MS);
    assert.deepEqual(rig.stuck, [[2, 'stopped']]);
    assert.deepEqual(await settled, [2]);
    rig.thread(2).emit('exit', 1);
    assert.deepEqual(
      rig.exits.map(({ threadId }) => threadId),
      [1, 2],
    );
    assert.deepEqual(await rig.roll.allSettled(), []);
  });

  it('does not keep a thread for ever that is not known any more', async () => {
    const rig = new Rig(1);
    rig.thread(1).emit('exit', 0);
    assert.equal(await rig.roll.exited(1), 'process.exit(0) was called in it');
    await new Promise(setImmediate);
    assert.equal(await rig.roll.exited(1), 'it has exited');
    rig.roll.end(1, 'too late');
    assert.equal(rig.thread(1).terminations, 0);
  });

  it('waits for threads that load before all are ended, for one that never does until it would be stuck', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const rig = new Rig(1);
    await rig.roll.noneLoads(() => []);
    const threads = [2, 3].map((threadId) => new FakeThread(threadId));
    const listed = (): Worker[] => threads as unknown as Worker[];
    let loaded = false;
    const all = rig.roll.noneLoads(listed).then(() => (loaded = true));
    rig.roll.markReady(2);
    await new Promise(setImmediate);
    assert.equal(loaded, false);
    threads.push(new FakeThread(4));
    threads[1]?.emit('exit', 1);
    threads.splice(1, 1);
    await new Promise(setImmediate);
    assert.equal(loaded, false, 'the one that began meanwhile loads');
    rig.roll.markReady(4);
    await all;
    threads.push(new FakeThread(5));
    const never = rig.roll.noneLoads(listed);
    t.mock.timers.tick(STUCK_AFTER_MS);
    await never;
  });
});
