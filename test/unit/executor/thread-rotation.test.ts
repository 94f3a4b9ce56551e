import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type RotationLimits, ThreadRotation } from '../../../src/executor/thread/thread-rotation.ts';

const MIB = 1_048_576;
const NO_LIMITS: RotationLimits = { recycleTasks: undefined, recycleHeapBytes: undefined, recycleAgeMs: undefined };

/** Threads 1, 2, … that have as many open runs as the test says. */
class Rig {
  readonly log: string[] = [];
  readonly open = new Map<number, number>();
  readonly rotation: ThreadRotation;

  constructor(threads: number, limits: Partial<RotationLimits>) {
    this.rotation = new ThreadRotation(
      threads,
      { ...NO_LIMITS, ...limits },
      {
        openRuns: (threadId) => this.open.get(threadId) ?? 0,
        chosen: (threadId, reason) => this.log.push(`chosen ${threadId}: ${reason}`),
        end: (threadId) => this.log.push(`end ${threadId}`),
      },
    );
    for (let threadId = 1; threadId <= threads; threadId++) this.rotation.loaded(threadId, 0);
  }
}

describe('ThreadRotation', () => {
  it('has no work where there is no limit', () => {
    assert.equal(ThreadRotation.hasWork(NO_LIMITS), false);
    assert.equal(ThreadRotation.hasWork({ ...NO_LIMITS, recycleAgeMs: 1 }), true);
    assert.equal(ThreadRotation.hasWork({ ...NO_LIMITS, recycleHeapBytes: 1 }), true);
    assert.equal(ThreadRotation.hasWork({ ...NO_LIMITS, recycleTasks: 1 }), true);
  });

  it('lets a thread leave after so many tasks, over all of its batches', () => {
    const rig = new Rig(2, { recycleTasks: 100 });
    rig.rotation.batchEnded(1, 60, 0, 1);
    rig.rotation.batchEnded(2, 60, 0, 2);
    rig.rotation.batchEnded(1, 39, 0, 3);
    assert.deepEqual(rig.log, []);
    rig.rotation.batchEnded(1, 3, 0, 4);
    assert.deepEqual(rig.log, ['chosen 1: recycled after 102 tasks', 'end 1']);
  });

  it('lets a thread leave whose heap was above the limit when it last looked', () => {
    const rig = new Rig(1, { recycleHeapBytes: 64 * MIB });
    rig.rotation.batchEnded(1, 1, 64, 1);
    rig.rotation.batchEnded(1, 1, 0, 2);
    assert.deepEqual(rig.log, []);
    rig.rotation.batchEnded(1, 1, 65, 3);
    assert.deepEqual(rig.log, ['chosen 1: recycled because its heap has grown to 65 MiB', 'end 1']);
  });

  it('lets a thread leave that is too old, looked at when any batch ends', () => {
    const rig = new Rig(2, { recycleAgeMs: 60_000 });
    rig.rotation.batchEnded(2, 1, 0, 60_000);
    assert.deepEqual(rig.log, []);
    rig.rotation.batchEnded(2, 1, 0, 60_001);
    assert.deepEqual(rig.log, ['chosen 1: recycled because it is older than 1m', 'end 1']);
  });

  it('ends a thread when its batches have ended, and not before', () => {
    const rig = new Rig(1, { recycleTasks: 1 });
    rig.open.set(1, 1);
    rig.rotation.batchEnded(1, 1, 0, 1);
    assert.equal(rig.rotation.isLeaving(1), true);
    assert.deepEqual(rig.log, ['chosen 1: recycled after 1 tasks']);
    rig.open.set(1, 0);
    rig.rotation.batchEnded(1, 0, 0, 2);
    assert.deepEqual(rig.log.slice(1), ['end 1']);
  });

  it('lets the next one leave only when the replacement has loaded', () => {
    const rig = new Rig(2, { recycleTasks: 1 });
    rig.rotation.batchEnded(1, 1, 0, 1);
    rig.rotation.batchEnded(2, 1, 0, 2);
    rig.rotation.exited(1);
    assert.equal(rig.rotation.isLeaving(1), false);
    rig.rotation.batchEnded(2, 1, 0, 3);
    assert.equal(rig.log.length, 2);
    rig.rotation.loaded(3, 4);
    assert.deepEqual(rig.log.slice(2), ['chosen 2: recycled after 2 tasks', 'end 2']);
  });

  it('lets nobody leave while a thread is missing that died or was ended for another reason', () => {
    const rig = new Rig(3, { recycleTasks: 1 });
    rig.rotation.gone(3); // it is being ended
    rig.rotation.batchEnded(1, 1, 0, 1);
    assert.deepEqual(rig.log, []);
    rig.rotation.exited(3);
    rig.rotation.loaded(4, 2);
    assert.equal(rig.log.length, 2);
  });

  it('goes on when the leaving thread dies of something else', () => {
    const rig = new Rig(2, { recycleTasks: 1 });
    rig.open.set(1, 1);
    rig.rotation.batchEnded(1, 1, 0, 1);
    rig.rotation.exited(1);
    rig.rotation.loaded(3, 2);
    rig.rotation.batchEnded(2, 1, 0, 3);
    assert.deepEqual(rig.log.slice(1), ['chosen 2: recycled after 1 tasks', 'end 2']);
  });

  it('whatever happens in whatever order, at most one thread is away by its doing, and no open batch is cut off', () => {
    const event = fc.record({
      kind: fc.constantFrom('assign', 'answer', 'answer', 'exit', 'load', 'die'),
      pick: fc.nat(1_000),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(event, { maxLength: 200 }), (threads, events) => {
        const open = new Map<number, number>();
        const alive = new Set<number>();
        const ending = new Set<number>();
        let missing = 0;
        let lastId = 0;
        let recycled = 0;
        const rotation = new ThreadRotation(
          threads,
          { ...NO_LIMITS, recycleTasks: 3 },
          {
            openRuns: (threadId) => open.get(threadId) ?? 0,
            chosen: () => {
              assert.equal(ending.size, 0);
              assert.equal(alive.size, threads, 'all serve when one is chosen');
            },
            end: (threadId) => {
              assert.equal(open.get(threadId) ?? 0, 0);
              assert.ok(alive.has(threadId) && !ending.has(threadId));
              ending.add(threadId);
              recycled++;
            },
          },
        );
        const load = (atMs: number): void => {
          lastId++;
          alive.add(lastId);
          open.set(lastId, 0);
          rotation.loaded(lastId, atMs);
        };
        for (let n = 0; n < threads; n++) load(0);
        let answers = 0;
        events.forEach(({ kind, pick }, atMs) => {
          const ids = [...alive];
          const threadId = ids[pick % Math.max(1, ids.length)] ?? 0;
          const runs = open.get(threadId) ?? 0;
          if (kind === 'assign' && !rotation.isLeaving(threadId) && !ending.has(threadId) && alive.has(threadId)) {
            open.set(threadId, runs + 1);
          } else if (kind === 'answer' && runs > 0) {
            open.set(threadId, runs - 1);
            answers++;
            rotation.batchEnded(threadId, 1, 0, atMs);
          } else if (kind === 'exit' || (kind === 'die' && pick % 5 === 0)) {
            const leaver = kind === 'exit' ? [...ending][0] : threadId;
            if (leaver === undefined || !alive.delete(leaver)) return;
            ending.delete(leaver);
            missing++;
            rotation.exited(leaver);
          } else if (kind === 'load' && missing > 0) {
            missing--;
            load(atMs);
          }
          assert.ok(ending.size <= 1);
        });
        assert.ok(recycled * 3 <= answers);
      }),
      { numRuns: 500 },
    );
  });
});
