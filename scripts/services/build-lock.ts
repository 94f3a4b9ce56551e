import { open, readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, startOf } from './process-identity.ts';

const POLL_MS = 500;

/**
 * Runs `work` while no other process on this machine runs it: two test runs started together must not both compile
 * the same server. The lock is a file that names its owner; one left by a dead owner is taken over.
 *
 * @param onWait - called once when somebody else holds the lock
 */
export async function withBuildLock<T>(
  path: string,
  onWait: (pid: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  let waited = false;
  while (!(await tryLock(path))) {
    const owner = await readOwner(path);
    if (owner !== undefined && !isAlive(owner.pid, owner.start)) {
      await rm(path, { force: true });
      continue;
    }
    if (!waited && owner !== undefined) onWait(owner.pid);
    waited = true;
    // The owner is another process that sends no signal when it is done, so its file is looked at again.
    await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(JSON.stringify({ pid: process.pid, start: startOf(process.pid) }));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readOwner(path: string): Promise<{ pid: number; start: string } | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as { pid: number; start: string };
  } catch {
    return undefined; // gone since, or not written yet: the next look tells
  }
}
