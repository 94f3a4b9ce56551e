import { existsSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Version of the MongoDB-compatible server that is built where no mongod can be had. */
export const SECANTUS_VERSION = '0.5.3-beta.193';
/** Version of the same project's Python server: the last resort. */
export const SECANTUS_PYTHON_VERSION = '0.7.0b3';

/**
 * Where built and downloaded servers are kept, so that it is done once a machine: outside the checkout, because a
 * fresh clone is no reason to compile a database again. MILLRACE_CACHE, else XDG_CACHE_HOME/millrace, else
 * ~/.cache/millrace.
 */
export function cacheFolder(): string {
  const own = process.env['MILLRACE_CACHE'];
  if (own !== undefined && own !== '') return resolve(own);
  const xdg = process.env['XDG_CACHE_HOME'];
  return xdg !== undefined && xdg !== '' ? join(resolve(xdg), 'millrace') : join(homedir(), '.cache', 'millrace');
}

export function secantusFolder(): string {
  return join(cacheFolder(), `secantus-${SECANTUS_VERSION}`);
}

export function secantusPythonFolder(): string {
  return join(cacheFolder(), `secantus-python-${SECANTUS_PYTHON_VERSION}`);
}

/** Throws when the file system that will hold `folder` has less than `bytes` free. */
export async function requireFreeSpace(folder: string, bytes: number): Promise<void> {
  let existing = resolve(folder);
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const gib = (value: number): string => `${(value / 2 ** 30).toFixed(1)} GiB`;
  throw new Error(
    `${existing} has ${gib(free)} free, ${gib(bytes)} are needed; set MILLRACE_CACHE to a folder with room`,
  );
}

export async function createCacheFolder(): Promise<string> {
  const folder = cacheFolder();
  await mkdir(folder, { recursive: true });
  return folder;
}
