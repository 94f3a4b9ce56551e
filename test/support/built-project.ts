import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** What worker processes of tests run. */
const FOLDERS = ['src', 'test/fixtures/worker'];
const OLD_MS = 24 * 3_600_000;

/**
 * The project's source as plain JavaScript, built once for each state of it: a worker process and each of its threads
 * then start in a fraction of the time that a loader takes, and run what users run.
 *
 * @param project - its folder; the build goes into node_modules/.cache there, where imports of libraries resolve
 * @returns the folder that stands for the project's
 */
export async function builtProject(project: string): Promise<string> {
  const files: string[] = [];
  for (const folder of FOLDERS)
    for (const name of await readdir(join(project, folder), { recursive: true }))
      if (name.endsWith('.ts')) files.push(join(folder, name));
  const sources = await Promise.all(files.sort().map((file) => readFile(join(project, file), 'utf8')));
  const hash = createHash('sha256').update(ts.version);
  files.forEach((file, nth) => hash.update(`\0${file}\0${sources[nth]}`));
  const cache = join(project, 'node_modules', '.cache', 'millrace-test');
  const built = join(cache, hash.digest('hex').slice(0, 16));
  if ((await stat(built).catch(() => undefined)) !== undefined) return built;

  await removeOld(cache);
  const unfinished = join(cache, randomUUID());
  await Promise.all(files.map((file, nth) => transpile(sources[nth] as string, join(unfinished, file))));
  await writeFile(join(unfinished, 'package.json'), '{ "type": "module" }');
  try {
    await rename(unfinished, built);
  } catch (error) {
    await rm(unfinished, { recursive: true });
    if ((await stat(built).catch(() => undefined)) === undefined) throw error; // else another process was first
  }
  return built;
}

async function transpile(source: string, target: string): Promise<void> {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  });
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target.replace(/\.ts$/, '.js'), outputText);
}

async function removeOld(cache: string): Promise<void> {
  for (const name of await readdir(cache).catch(() => [])) {
    const path = join(cache, name);
    const { mtimeMs } = await stat(path);
    if (mtimeMs < Date.now() - OLD_MS) await rm(path, { recursive: true, force: true });
  }
}
