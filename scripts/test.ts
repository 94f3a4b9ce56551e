/**
 * `npm test`: finds or starts the servers, runs the tests, takes away what it made.
 */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureServices, type Services } from './services/ensure-services.ts';
import { closingLines, sumFigures } from './test/closing-lines.ts';
import { type RunOptions, type RunResult, runFiles } from './test/run-files.ts';
import { createRunSpace, type RunSpace } from './test/run-space.ts';
import { needsServers, selectTestFiles, TEST_GROUPS, type TestFile } from './test/test-files.ts';

/**
 * Ends a run that hangs; building a server on a fresh machine comes on top. Not the time it should take: that is about ten
 * minutes on two cores, 14 on slow ones, more where others use them too.
 */
const BUDGET_MINUTES = 30;
const UNIT_FILE_TIMEOUT_MS = 2 * 60_000;
const SERVER_FILE_TIMEOUT_MS = 6 * 60_000;

const HELP = `Usage: npm test -- [GROUP | PATH]… [--name PATTERN] [--concurrency N] [--budget N] [--report FILE]

  GROUP            ${TEST_GROUPS.join(', ')} (default: all)
  PATH             a test file, a folder, or a part of a path
  --name           only tests whose name matches the regular expression
  --concurrency    unit test files at the same time (default: the number of cores); files that use servers run singly
  --budget         minutes after which the run is given up (default: ${BUDGET_MINUTES})
  --report         file that gets how each test ended, as JSON
  --help           this text

Tests that use servers get RabbitMQ and MongoDB as "npm run services -- --help" describes, and a virtual host and a
database of their own. A server that cannot be had means that its tests are skipped and told at the end.

  AMQP_URL, MONGO_URL      servers to use; MANAGEMENT_URL where the management API is not on port 15672 of that host
  INSTALL_SERVICES=1       may install what is missing
  MILLRACE_SERVICES=own    run on servers that the run starts itself
  CI=true or REQUIRE_SERVICES=1   a missing server is a failure

Exit code: 0 all passed, 1 a test failed or a required server is missing, 2 wrong arguments.
`;

const projectFolder = fileURLToPath(new URL('../', import.meta.url));

interface Arguments {
  readonly selection: readonly string[];
  readonly name: string | undefined;
  readonly concurrency: number;
  readonly budgetMinutes: number;
  readonly report: string | undefined;
}

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      concurrency: { type: 'string' },
      budget: { type: 'string' },
      report: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const concurrency = Number(values.concurrency ?? availableParallelism());
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new TypeError(`--concurrency: got "${values.concurrency}", expected a whole number from 1`);
  }
  const budgetMinutes = Number(values.budget ?? BUDGET_MINUTES);
  if (!(budgetMinutes > 0)) throw new TypeError(`--budget: got "${values.budget}", expected minutes`);
  return runTests({ selection: positionals, name: values.name, concurrency, budgetMinutes, report: values.report });
}

async function runTests({ selection, name, concurrency, budgetMinutes, report }: Arguments): Promise<number> {
  const files = selectTestFiles(projectFolder, selection);
  const setup = await prepareServers(files);
  // Only now: until here a signal ends us at once, also in the middle of compiling a server.
  const stop = new AbortController();
  const stopOn = (signal: NodeJS.Signals): void => stop.abort(new Error(`ended by ${signal}`));
  process.on('SIGINT', stopOn).on('SIGTERM', stopOn).on('SIGHUP', stopOn);
  const late = new Error(`not done within ${budgetMinutes} minutes`);
  const budget = setTimeout(() => stop.abort(late), budgetMinutes * 60_000);
  const began = performance.now();
  try {
    const shared = { projectFolder, namePattern: name, env: setup.env, signal: stop.signal };
    const results = [
      await runPart(
        files.filter((file) => !needsServers(file)),
        { ...shared, concurrency, fileTimeoutMs: UNIT_FILE_TIMEOUT_MS },
      ),
      await runPart(files.filter(needsServers), { ...shared, concurrency: 1, fileTimeoutMs: SERVER_FILE_TIMEOUT_MS }),
    ];
    if (report !== undefined) await writeFile(report, JSON.stringify(results.flatMap(({ events }) => events)));
    return conclude(results, setup, (performance.now() - began) / 1000, stop.signal);
  } finally {
    clearTimeout(budget);
    await setup.remove();
    // Kept to the end: until everything is taken away, a second Ctrl-C must not cut that short.
    process.off('SIGINT', stopOn).off('SIGTERM', stopOn).off('SIGHUP', stopOn);
  }
}

async function runPart(files: readonly TestFile[], options: RunOptions): Promise<RunResult> {
  if (options.signal.aborted) return { code: null, events: [] };
  return runFiles(
    files.map((file) => file.path),
    options,
  );
}

interface Setup {
  readonly env: NodeJS.ProcessEnv;
  /** What is used, for the closing lines; empty where no test needs servers. */
  readonly lines: readonly string[];
  readonly complete: boolean;
  remove(): Promise<void>;
}

async function prepareServers(files: readonly TestFile[]): Promise<Setup> {
  if (!files.some(needsServers))
    return { env: process.env, lines: [], complete: true, remove: () => Promise.resolve() };
  const services = await ensureServices({ install: process.env['INSTALL_SERVICES'] === '1' });
  let space: RunSpace;
  try {
    space = await createRunSpace(services);
  } catch (error) {
    await services.stop();
    throw error;
  }
  const lines = [...services.describe(), ...space.remarks];
  for (const line of lines) process.stdout.write(`${line}\n`);
  return {
    env: testEnvironment(services, space),
    lines,
    complete: services.amqpUrl !== undefined && services.mongoUrl !== undefined,
    remove: async () => {
      await space.remove().catch((error: Error) => process.stderr.write(`test: not cleaned up: ${error.message}\n`));
      await services.stop();
    },
  };
}

function testEnvironment(services: Services, space: RunSpace): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  const urls = { AMQP_URL: space.amqpUrl, MANAGEMENT_URL: services.managementUrl, MONGO_URL: space.mongoUrl };
  for (const [name, url] of Object.entries(urls)) {
    delete env[name];
    if (url !== undefined) env[name] = url;
  }
  if (services.owned.rabbit) env['MILLRACE_OWNED_RABBIT'] = '1';
  if (services.owned.mongo) env['MILLRACE_OWNED_MONGO'] = '1';
  return env;
}

/** Prints the closing lines; returns the exit code. */
function conclude(results: readonly RunResult[], setup: Setup, seconds: number, signal: AbortSignal): number {
  const events = results.flatMap((result) => result.events);
  process.stdout.write(`\n${closingLines(events, setup.lines, seconds).join('\n')}\n`);
  const problems: string[] = [];
  if (signal.aborted) problems.push((signal.reason as Error).message);
  if (sumFigures(events).tests === 0) problems.push('no test ran');
  const required = process.env['CI'] === 'true' || process.env['REQUIRE_SERVICES'] === '1';
  if (required && !setup.complete) problems.push('a server is missing, and CI or REQUIRE_SERVICES asks for both');
  for (const problem of problems) process.stderr.write(`test: ${problem}\n`);
  return problems.length === 0 && results.every((result) => result.code === 0) ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`test: ${(error as Error).message}\n`);
    const code = (error as { code?: string }).code ?? '';
    process.exitCode = code.startsWith('ERR_PARSE_ARGS') || error instanceof TypeError ? 2 : 1;
  },
);
