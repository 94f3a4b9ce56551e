/** Compiles the contenders that are written in C, where the machine can: a C compiler and librabbitmq's headers. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SOURCES = new URL('../contenders/native/', import.meta.url);
const PROGRAMS = new URL('../.build/contenders/native/', import.meta.url);

/** Why they cannot be built here; undefined when they are there. */
export function buildNative(): string | undefined {
  mkdirSync(PROGRAMS, { recursive: true });
  return buildProgram('drain') ?? buildProgram('publish');
}

function buildProgram(name: string): string | undefined {
  const source = fileURLToPath(new URL(`${name}.c`, SOURCES));
  const program = fileURLToPath(new URL(name, PROGRAMS));
  const args = ['-O2', '-o', program, source, '-lrabbitmq'];
  const built = spawnSync(process.env['CC'] ?? 'cc', args, { encoding: 'utf8' });
  if (built.error !== undefined) return `there is no C compiler (${built.error.message})`;
  if (built.status === 0) return undefined;
  const [first = `exit code ${built.status}`] = built.stderr.split('\n').filter((line) => line.includes('error'));
  return `${name}.c does not compile: ${first.trim()} (Debian's package librabbitmq-dev has what it needs)`;
}
