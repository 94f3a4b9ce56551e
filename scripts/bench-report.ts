/**
 * Writes BENCHMARKS.md with its plots and the table of docs/guides/tuning.md from bench/results/*.json, so that no figure
 * stands there without its data.
 * --check: says only whether they are up to date; exit code 1 when not.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchmarksPage } from '../bench/harness/benchmarks-page.ts';
import { isKnobFile, knobTable } from '../bench/harness/knob-table.ts';
import type { MemoryReport } from '../bench/harness/memory-report.ts';
import type { ContenderResult } from '../bench/harness/result.ts';
import { plotsOf, type ResultFile } from '../bench/plots/plots-of.ts';
import { replaceGenerated } from './docs/generated-part.ts';

const RESULTS = new URL('../bench/results/', import.meta.url);
/** Its form is another one. */
const MEMORY = 'memory.json';
const PLOTS = new URL('plots/', RESULTS);
const PAGE = new URL('../BENCHMARKS.md', import.meta.url);
const TUNING = new URL('../docs/guides/tuning.md', import.meta.url);

const HELP = `Usage: tsx scripts/bench-report.ts [--check]

Writes BENCHMARKS.md, bench/results/plots and a table in docs/guides/tuning.md from bench/results/*.json. Results get there by
  npm run bench -- all
  npm run bench -- knobs
  npm run memory -- --json bench/results/memory.json
  npm run bench -- SCENARIO --json bench/results/<name>.json`;

async function readResults(): Promise<ResultFile[]> {
  const names = (await readdir(RESULTS)).filter((name) => name.endsWith('.json') && name !== MEMORY).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, RESULTS), 'utf8');
      return { name, results: JSON.parse(text) as ContenderResult[] };
    }),
  );
}

async function readMemory(): Promise<MemoryReport | undefined> {
  const text = await textOf(new URL(MEMORY, RESULTS));
  return text === undefined ? undefined : (JSON.parse(text) as MemoryReport);
}

async function textOf(file: URL): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What is not as it should be. */
async function outdated(wanted: ReadonlyMap<string, string>): Promise<string[]> {
  const differing: string[] = [];
  for (const [href, text] of wanted) {
    if ((await textOf(new URL(href))) !== text) differing.push(href.slice(new URL('../', import.meta.url).href.length));
  }
  return differing;
}

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) console.log(HELP);
else {
  const all = await readResults();
  const files = all.filter((file) => !isKnobFile(file));
  const wanted = new Map([[PAGE.href, benchmarksPage(files, await readMemory())]]);
  wanted.set(TUNING.href, replaceGenerated(await readFile(TUNING, 'utf8'), 'what each knob costs', knobTable(all)));
  for (const { name, svg } of plotsOf(files)) wanted.set(new URL(name, PLOTS).href, svg);
  if (values.check) {
    const differing = await outdated(wanted);
    if (differing.length > 0) {
      process.stderr.write(`not what bench/results gives: ${differing.join(', ')}: run npm run bench:report\n`);
      process.exitCode = 1;
    }
  } else {
    await rm(PLOTS, { recursive: true, force: true });
    await mkdir(PLOTS, { recursive: true });
    for (const [href, text] of wanted) await writeFile(new URL(href), text);
  }
}
