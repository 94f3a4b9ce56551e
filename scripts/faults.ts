/**
 * `npm run faults`: runs every fault test, the slow ones too, shows how each ended, and says how to run the same again:
 * whatever is random in them follows from one seed.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { RecordedEvent } from './test/recorded-event.ts';
import { resultTable, type TestResult, testResults } from './test/result-table.ts';

const HELP = `Usage: npm run faults -- [--only TEXT] [--seed N] [--name PATTERN] [--json]

  --only TEXT      only files of test/faults whose name contains the text
  --name PATTERN   only tests whose name matches the regular expression
  --seed N         what every random point follows from (default: a new one, printed)
  --json           one JSON object on standard output; what happens meanwhile goes to standard error
  --help           this text

Servers as for "npm test"; tests that stop or starve a server start one of their own. About 15 minutes on two cores.
Exit code: as "npm test": 0 all passed, 1 one failed or a required server is missing, 2 wrong arguments.
`;

const BUDGET_MINUTES = 60;
const HIGHEST_SEED = 2 ** 31;

interface Choice {
  readonly only: string;
  readonly seed: number;
  readonly name: string | undefined;
  readonly json: boolean;
}

function parse(argv: readonly string[]): Choice | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string', default: '' },
      name: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const seed = Number(values.seed ?? Math.floor(Math.random() * HIGHEST_SEED));
  const { only, name, json } = values;
  if (Number.isInteger(seed) && seed >= 0 && seed < HIGHEST_SEED) return { only, seed, name, json };
  throw new TypeError(`--seed: got "${values.seed}", expected a whole number from 0 to ${HIGHEST_SEED - 1}`);
}

interface Ended {
  readonly code: number;
  readonly tests: readonly TestResult[];
}

async function run(choice: Choice): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-faults-'));
  try {
    const report = join(folder, 'report.json');
    const code = await runTests(choice, report);
    // No report: the tests were not run, and the runner has said why.
    const written = await readFile(report, 'utf8').catch(() => '[]');
    return { code, tests: testResults(JSON.parse(written) as RecordedEvent[]) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function runTests({ only, seed, name, json }: Choice, report: string): Promise<number> {
  const runner = fileURLToPath(new URL('test.ts', import.meta.url));
  const args = ['--import', 'tsx', runner, `test/faults/${only}`, '--budget', String(BUDGET_MINUTES)];
  args.push('--report', report);
  if (name !== undefined) args.push('--name', name);
  const env = { ...process.env, FAULTS: 'all', FAULT_SEED: String(seed) };
  const stdio = ['inherit', json ? process.stderr : 'inherit', 'inherit'] as const;
  const child = spawn(process.execPath, args, { env, stdio: [...stdio] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function conclude({ seed, only, name }: Choice, tests: readonly TestResult[]): string {
  const count = (result: TestResult['result']): number => tests.filter((test) => test.result === result).length;
  const chosen = `${only === '' ? '' : ` --only ${only}`}${name === undefined ? '' : ` --name '${name}'`}`;
  return [
    ...resultTable(tests),
    `faults: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped, seed ${seed}`,
    `faults: the same again: npm run faults -- --seed ${seed}${chosen}`,
  ].join('\n');
}

async function main(argv: readonly string[]): Promise<number> {
  const choice = parse(argv);
  if (choice === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const { seed, json } = choice;
  if (!json) process.stdout.write(`faults: seed ${seed}\n`);
  const { code, tests } = await run(choice);
  process.stdout.write(`${json ? JSON.stringify({ seed, code, tests }, null, 2) : `\n${conclude(choice, tests)}`}\n`);
  return code;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`faults: ${(error as Error).message}\n`);
    process.exitCode = 2;
  },
);
