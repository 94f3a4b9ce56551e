/**
 * Writes BENCHMARKS.md from bench/results/*.json, so that no figure stands there without its data.
 * --check: says only whether it is up to date; exit code 1 when not.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchmarksPage, type ResultFile } from '../bench/harness/benchmarks-page.ts';
import type { ContenderResult } from '../bench/harness/result.ts';

const RESULTS = new URL('../bench/results/', import.meta.url);
const PAGE = new URL('../BENCHMARKS.md', import.meta.url);

const HELP = `Usage: tsx scripts/bench-report.ts [--check]

Writes BENCHMARKS.md from bench/results/*.json. Results get there by
  npm run bench -- SCENARIO --json bench/results/<date>-<commit>-<scenario>.json`;

async function readResults(): Promise<ResultFile[]> {
  const names = (await readdir(RESULTS)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, RESULTS), 'utf8');
      return { name, results: JSON.parse(text) as ContenderResult[] };
    }),
  );
}

async function readPage(): Promise<string> {
  try {
    return await readFile(PAGE, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) console.log(HELP);
else {
  const page = benchmarksPage(await readResults());
  const old = await readPage();
  if (!values.check) await writeFile(PAGE, page);
  else if (page !== old) {
    process.stderr.write('BENCHMARKS.md is not what bench/results gives: run npm run bench:report\n');
    process.exitCode = 1;
  }
}
