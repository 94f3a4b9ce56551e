/** Compiles the contenders that are written in C, where the machine can: a C compiler and librabbitmq's headers. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../contenders/native/drain.c', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../.build/contenders/native/drain', import.meta.url));

/** Why the C reader cannot be built here; undefined when it is there. */
export function buildNative(): string | undefined {
  mkdirSync(dirname(PROGRAM), { recursive: true });
  const args = ['-O2', '-o', PROGRAM, SOURCE, '-lrabbitmq'];
  const built = spawnSync(process.env['CC'] ?? 'cc', args, { encoding: 'utf8' });
  if (built.error !== undefined) return `there is no C compiler (${built.error.message})`;
  if (built.status === 0) return undefined;
  const [first = `exit code ${built.status}`] = built.stderr.split('\n').filter((line) => line.includes('error'));
  return `it does not compile: ${first.trim()} (Debian's package librabbitmq-dev has what it needs)`;
}
