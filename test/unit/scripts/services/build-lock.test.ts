import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { withBuildLock } from '../../../../scripts/services/build-lock.ts';

describe('the lock around a build', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lock-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const noWait = (): void => assert.fail('nobody else holds the lock');

  test('two builds never run at the same time', async () => {
    const path = join(folder, 'two');
    let running = 0;
    let waits = 0;
    const { promise: firstMayEnd, resolve: endFirst } = signal();
    const build = async (until: Promise<void>): Promise<void> => {
      assert.equal(++running, 1);
      await until;
      running -= 1;
    };
    const first = withBuildLock(path, noWait, () => build(firstMayEnd));
    const second = withBuildLock(
      path,
      (pid) => {
        assert.equal(pid, process.pid);
        waits += 1;
        endFirst();
      },
      () => build(Promise.resolve()),
    );
    await Promise.all([first, second]);
    assert.equal(waits, 1);
    assert.equal(existsSync(path), false);
  });

  test('the lock of a dead owner is taken over', async () => {
    const path = join(folder, 'dead');
    writeFileSync(path, JSON.stringify({ pid: process.pid, start: 'when another process had this pid' }));
    assert.equal(await withBuildLock(path, noWait, () => Promise.resolve('built')), 'built');
  });

  test('a build that fails gives the lock back', async () => {
    const path = join(folder, 'fails');
    await assert.rejects(
      withBuildLock(path, noWait, () => Promise.reject(new Error('no compiler'))),
      /no compiler/,
    );
    assert.equal(await withBuildLock(path, noWait, () => Promise.resolve('built')), 'built');
  });
});

function signal(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
