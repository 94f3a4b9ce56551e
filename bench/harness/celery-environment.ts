/** Celery in a virtual environment of Python, in the project's cache folder: made once a machine, never by itself. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../scripts/services/cache-folder.ts';
import { findBinary } from '../../scripts/services/find-binary.ts';
import { lastLines, runCommand } from '../../scripts/services/run-command.ts';

const VERSION = '5.7.0';
/** What it asks for itself are ranges; these make its speed. */
const PACKAGES = [`celery==${VERSION}`, 'kombu==5.7.0', 'amqp==5.4.2', 'billiard==4.3.2', 'vine==5.1.0'];
const INSTALL_TIMEOUT_MS = 300_000;
const ASK = 'import celery, sys; print("Celery", celery.__version__ + ", Python", sys.version.split()[0])';

async function run(command: string, args: readonly string[]): Promise<string> {
  const result = await runCommand(command, args, { timeoutMs: INSTALL_TIMEOUT_MS });
  if (result.code !== 0) throw new Error(`${command} ${args.slice(0, 2).join(' ')} failed: ${lastLines(result)}`);
  return result.stdout.trim();
}

async function install(folder: string, say: (line: string) => void): Promise<void> {
  const python = findBinary('python3');
  if (python === undefined) throw new Error('there is no python3 for Celery');
  say(`installing Celery ${VERSION} into ${folder}`);
  await rm(folder, { recursive: true, force: true }); // a venv cannot be moved, so an incomplete one is made anew
  try {
    await run(python, ['-m', 'venv', folder]);
    await run(join(folder, 'bin', 'pip'), ['install', '--quiet', ...PACKAGES]);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** @throws with why there is none on this machine */
export async function openCelery(say: (line: string) => void): Promise<{ python: string; label: string }> {
  const folder = join(cacheFolder(), `celery-${VERSION}`);
  const python = join(folder, 'bin', 'python');
  if (!existsSync(python)) {
    if (process.env['INSTALL_SERVICES'] !== '1') {
      throw new Error('Celery is not in the cache folder; INSTALL_SERVICES=1 has it installed there, with Python 3');
    }
    await install(folder, say);
  }
  return { python, label: await run(python, ['-c', ASK]) };
}
