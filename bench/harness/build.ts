/**
 * Builds what is measured, once at the start: the package to dist/ as for its users, and the files that run in the
 * contenders' processes to bench/.build/, so that those are plain Node on plain JavaScript with no loader in between.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const BENCH = fileURLToPath(new URL('../', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILT = join(BENCH, '.build');
const FOLDERS = ['harness', 'contenders'];

/** The process file of every contender, once built. */
export const CHILD_FILE: URL = new URL('../.build/harness/child.js', import.meta.url);
export const MEMORY_FILE: URL = new URL('../.build/harness/memory-child.js', import.meta.url);
export const PUBLISHERS_FILE: URL = new URL('../.build/harness/publishers.js', import.meta.url);

export function contenderUrl(module: string): string {
  const extension = module.startsWith('prototype/') ? 'mjs' : 'js';
  return new URL(`../.build/contenders/${module}.${extension}`, import.meta.url).href;
}

function buildPackage(): void {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const built = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (built.status !== 0) throw new Error('the package does not build; --skip-build measures dist/ as it is');
}

async function transpile(file: string): Promise<void> {
  const { outputText } = ts.transpileModule(await readFile(join(BENCH, file), 'utf8'), {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
      allowJs: true,
    },
  });
  const output = join(BUILT, file.replace(/\.ts$/, '.js'));
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, outputText);
}

async function buildBench(): Promise<void> {
  await rm(BUILT, { recursive: true, force: true });
  for (const folder of FOLDERS) {
    const files = await readdir(join(BENCH, folder), { recursive: true });
    for (const file of files) if (/\.(ts|mjs)$/.test(file)) await transpile(join(folder, file));
  }
}

export async function build(skipPackage: boolean): Promise<void> {
  if (!skipPackage) buildPackage();
  await buildBench();
}
