/** `npm run bench -- all` and `-- knobs`: every run of runs.ts, or of knob-runs.ts, in a process of its own, with the servers of this one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureServices } from '../../scripts/services/ensure-services.ts';
import type { SuiteOptions } from '../harness/options.ts';
import type { ContenderResult } from '../harness/result.ts';
import { table } from '../harness/table.ts';
import { compareRatios, sameOrder } from './compare.ts';
import { chooseKnobRuns } from './knob-runs.ts';
import { SUITE, type SuiteRun } from './runs.ts';

const RUN = fileURLToPath(new URL('../run.ts', import.meta.url));
const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));
/** What a quick ratio may differ by from the committed one and still count as the same. */
const TOLERANCE = 0.2;

export interface SuiteTask extends Omit<SuiteOptions, 'suite'> {
  readonly say: (line: string) => void;
}

interface Outcome {
  readonly run: SuiteRun;
  readonly exitCode: number;
}

/** Resolves with the exit code: 0, or 1 when a run failed; the others are measured all the same. */
export async function runSuite(options: SuiteTask): Promise<number> {
  const all = options.knobs === undefined ? SUITE : chooseKnobRuns(options.knobs);
  const runs = all.filter(({ quick }) => !options.quick || quick !== undefined);
  const folder = options.quick ? await mkdtemp(join(tmpdir(), 'millrace-bench-')) : RESULTS;
  const services = await ensureServices({ install: process.env['INSTALL_SERVICES'] === '1' });
  const servers = { AMQP_URL: services.amqpUrl, MANAGEMENT_URL: services.managementUrl, MONGO_URL: services.mongoUrl };
  const outcomes: Outcome[] = [];
  try {
    for (const run of runs) {
      tellProgress(runs, outcomes.length, options);
      const exitCode = await runOne(run, { folder, servers, built: outcomes.length > 0 }, options);
      outcomes.push({ run, exitCode });
      if (exitCode === 2) throw new Error(`the arguments of ${run.name} are wrong: ${run.args}`);
    }
    if (options.quick) await tellComparison(folder, outcomes);
  } finally {
    await services.stop();
    if (options.quick) await rm(folder, { recursive: true, force: true });
  }
  const failed = outcomes.filter(({ exitCode }) => exitCode !== 0);
  for (const { run, exitCode } of failed) options.say(`FAILED: ${run.name} (exit code ${exitCode}), see above`);
  if (!options.quick) options.say('measured; npm run bench:report writes the pages and plots from it');
  return failed.length === 0 ? 0 : 1;
}

function tellProgress(runs: readonly SuiteRun[], done: number, { quick, say }: SuiteTask): void {
  const name = runs[done]?.name ?? '';
  const left = runs.slice(done).reduce((sum, { minutes }) => sum + minutes, 0);
  say(`── ${done + 1} of ${runs.length}: ${name}${quick ? '' : `, about ${Math.ceil(left)} min left`}`);
}

interface Circumstances {
  readonly folder: string;
  readonly servers: Readonly<Record<string, string | undefined>>;
  readonly built: boolean;
}

async function runOne(run: SuiteRun, where: Circumstances, { quick, force }: SuiteTask): Promise<number> {
  const { folder, servers, built } = where;
  const words = [quick ? run.quick : run.args, force ? '--force' : undefined, built ? '--skip-build' : undefined];
  const args = words.flatMap((text) => text?.split(' ') ?? []);
  const child = spawn(
    process.execPath,
    [...process.execArgv, RUN, ...args, '--json', join(folder, `${run.name}.json`)],
    {
      env: { ...process.env, ...servers },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

async function readResults(file: string): Promise<ContenderResult[] | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ContenderResult[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function tellComparison(folder: string, outcomes: readonly Outcome[]): Promise<void> {
  const rows: string[][] = [];
  const orders: string[] = [];
  for (const { run } of outcomes) {
    const quick = await readResults(join(folder, `${run.name}.json`));
    const committed = await readResults(join(RESULTS, `${run.name}.json`));
    if (quick === undefined || committed === undefined) continue;
    orders.push(`${run.name}: ${sameOrder(quick, committed) ? 'the same order' : 'ANOTHER ORDER'} of contenders`);
    for (const { pair, measure, quick: now, committed: then, difference } of compareRatios(quick, committed)) {
      const verdict = Math.abs(difference) <= TOLERANCE ? 'ok' : 'DIFFERS';
      const percent = `${difference >= 0 ? '+' : '−'}${Math.abs(Math.round(difference * 100))} %`;
      rows.push([`${run.name}: ${pair}`, measure, now.toFixed(2), then.toFixed(2), percent, verdict]);
    }
  }
  if (rows.length === 0) return;
  console.log(table(['ratio, by round', 'of', 'quick', 'committed', 'difference', 'within 20 %'], rows));
  console.log(`\n${orders.join('\n')}`);
}
