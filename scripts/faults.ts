/**
 * `npm run faults`: runs every fault test, the slow ones too, and says how to run the same again: whatever is random in
 * them follows from one seed.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HELP = `Usage: npm run faults -- [--only TEXT] [--seed N] [--name PATTERN]

  --only TEXT      only files of test/faults whose name contains the text
  --name PATTERN   only tests whose name matches the regular expression
  --seed N         what every random point follows from (default: a new one, printed)
  --help           this text

Servers as for "npm test"; tests that stop or starve a server start one of their own. About 25 minutes on two cores.
Exit code: as "npm test": 0 all passed, 1 one failed or a required server is missing, 2 wrong arguments.
`;

const BUDGET_MINUTES = 60;
const HIGHEST_SEED = 2 ** 31;

interface Choice {
  readonly only: string;
  readonly seed: number;
  readonly name: string | undefined;
}

function parse(argv: readonly string[]): Choice | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string', default: '' },
      name: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const seed = Number(values.seed ?? Math.floor(Math.random() * HIGHEST_SEED));
  if (Number.isInteger(seed) && seed >= 0 && seed < HIGHEST_SEED) return { only: values.only, seed, name: values.name };
  throw new TypeError(`--seed: got "${values.seed}", expected a whole number from 0 to ${HIGHEST_SEED - 1}`);
}

function run({ only, seed, name }: Choice): Promise<number> {
  const runner = fileURLToPath(new URL('test.ts', import.meta.url));
  const args = ['--import', 'tsx', runner, `test/faults/${only}`, '--budget', String(BUDGET_MINUTES)];
  if (name !== undefined) args.push('--name', name);
  const env = { ...process.env, FAULTS: 'all', FAULT_SEED: String(seed) };
  const child = spawn(process.execPath, args, { env, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function main(argv: readonly string[]): Promise<number> {
  const choice = parse(argv);
  if (choice === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const again = `npm run faults -- --seed ${choice.seed}${choice.only === '' ? '' : ` --only ${choice.only}`}`;
  process.stdout.write(`faults: seed ${choice.seed}\n`);
  const code = await run(choice);
  process.stdout.write(`faults: the same again: ${again}\n`);
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
