/**
 * Writes the parts of the documentation that are made from code, or with `--check` says which are out of date.
 *
 *     npx tsx scripts/docs.ts            writes
 *     npx tsx scripts/docs.ts --check    ends with 1 when something differs, or a link leads nowhere
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { findBrokenLinks } from './docs/broken-links.ts';
import { cliPage } from './docs/cli-page.ts';
import { errorsPage } from './docs/errors-page.ts';
import { replaceGenerated } from './docs/generated-part.ts';
import { OPTION_FILES, optionsPage } from './docs/options-page.ts';
import { sourceTree } from './docs/source-tree.ts';
import { STATE_TABLES, stateDiagram } from './docs/state-diagram.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Every generated file with the text it should have. */
async function generate(): Promise<ReadonlyMap<string, string>> {
  const pages = new Map<string, string>();
  pages.set('docs/reference/options.md', optionsPage(await Promise.all(OPTION_FILES.map(read))));
  pages.set('docs/reference/errors.md', errorsPage());
  pages.set('docs/reference/cli.md', await cliPage());
  pages.set(
    'docs/architecture.md',
    replaceGenerated(await read('docs/architecture.md'), 'source tree', await sourceTree(ROOT)),
  );
  let lifecycle = await read('docs/lifecycle.md');
  for (const table of STATE_TABLES)
    lifecycle = replaceGenerated(lifecycle, table.name, stateDiagram(await read(table.file), table));
  pages.set('docs/lifecycle.md', lifecycle);
  return pages;
}

async function read(path: string): Promise<string> {
  return await readFile(`${ROOT}/${path}`, 'utf8');
}

/** Problems, a line each. */
async function check(pages: ReadonlyMap<string, string>): Promise<string[]> {
  const problems: string[] = [];
  for (const [path, expected] of pages) {
    const actual = await read(path).catch(() => undefined); // a file that is missing is as wrong as one that differs
    if (actual !== expected) problems.push(`${path} is out of date: run npx tsx scripts/docs.ts`);
  }
  return [...problems, ...(await findBrokenLinks(ROOT))];
}

const pages = await generate();
if (process.argv.includes('--check')) {
  const problems = await check(pages);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
} else {
  for (const [path, text] of pages) await writeFile(`${ROOT}/${path}`, text);
}
