/**
 * npm run bench -- SCENARIO: measures contenders in interleaved rounds and prints what it found; --help tells the options.
 * harness/ is what measures, scenarios/ what is done, contenders/ what is measured, suite/ all that stands in BENCHMARKS.md.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ensureServices } from '../scripts/services/ensure-services.ts';
import { CATALOGUE } from './contenders/catalogue.ts';
import { build } from './harness/build.ts';
import { describeMachine, quietMachine, type Servers } from './harness/environment.ts';
import { calibrate } from './harness/hash-work.ts';
import { helpText } from './harness/help.ts';
import { interleave, type Turn } from './harness/interleave.ts';
import { type Field, prepareContenders } from './harness/needs.ts';
import { type BenchOptions, parseOptions, UsageError } from './harness/options.ts';
import { QueueAdmin } from './harness/queue-admin.ts';
import { Recorder, type TurnResult } from './harness/recorder.ts';
import { finalReport, turnLine } from './harness/report.ts';
import { StoreAdmin } from './harness/store-admin.ts';
import { aboutScenario } from './scenarios/about.ts';
import { arrivalRateOf } from './scenarios/arrival-rate.ts';
import { isServerless, SCENARIO_CODE, SERVERLESS_CODE } from './scenarios/index.ts';
import type { Bench } from './scenarios/scenario.ts';
import { runSuite } from './suite/run-suite.ts';

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Finds or starts the servers; removes what the bench made on them, also when it is interrupted. */
async function withServers(options: BenchOptions, field: Field, use: (bench: Bench) => Promise<void>): Promise<void> {
  const services = await ensureServices({ install: process.env['INSTALL_SERVICES'] === '1' });
  let queue: QueueAdmin | undefined;
  let store: StoreAdmin | undefined;
  let removal: Promise<void> | undefined;
  const remove = (): Promise<void> => {
    removal ??= (async () => {
      await queue?.remove();
      await queue?.close();
      await store?.remove();
      await services.stop();
      await field.release();
    })();
    return removal;
  };
  const interrupted = (): void => {
    void remove().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    const { amqpUrl, mongoUrl } = services;
    const missing = amqpUrl === undefined || (options.writes && mongoUrl === undefined);
    if (missing) throw new Error(`a server is missing\n${services.describe().join('\n')}`);
    queue = await QueueAdmin.open(amqpUrl, `millrace-bench-${process.pid}`, options.queueType);
    if (options.writes && mongoUrl !== undefined) store = await StoreAdmin.open(mongoUrl);
    const { taskMs, longMs } = options.parameters;
    const iterations = taskMs === undefined ? undefined : calibrate(taskMs);
    if (iterations !== undefined) say(`a task of ${taskMs} ms: ${iterations} hashes`);
    const longIterations = taskMs && longMs && iterations && Math.round((iterations * longMs) / taskMs);
    const bench = { options, amqpUrl, queue, field, store, iterations, longIterations, arrivalRate: undefined };
    await use({ ...bench, arrivalRate: await arrivalRateOf(bench, say) });
  } finally {
    await remove();
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
}

/** Where the turns of a run take place. */
interface Stage {
  readonly servers: Servers;
  readonly play: (turn: Turn, messages: number) => Promise<TurnResult>;
}

/** Broker and store of a serverless scenario are in the contenders' processes: nothing is looked for, nothing left. */
async function onStage(options: BenchOptions, field: Field, use: (stage: Stage) => Promise<void>): Promise<void> {
  const { scenario } = options;
  if (!isServerless(scenario)) {
    return withServers(options, field, async (bench) => {
      const servers = { rabbitmq: bench.queue.server, database: await bench.store?.server() };
      await use({ servers, play: (turn, messages) => SCENARIO_CODE[scenario](bench, turn, messages) });
    });
  }
  try {
    const play: Stage['play'] = (turn, messages) => SERVERLESS_CODE[scenario]({ options, field }, turn, messages);
    await use({ servers: { rabbitmq: undefined, database: undefined }, play });
  } finally {
    await field.release();
  }
}

interface Measurement {
  readonly options: BenchOptions;
  readonly contenders: readonly string[];
  readonly warmUp: number;
}

async function measure(stage: Stage, recorder: Recorder, measurement: Measurement): Promise<void> {
  const { options, contenders, warmUp } = measurement;
  for (const turn of interleave(contenders, options.rounds, options.seed)) {
    const share = CATALOGUE[turn.contender]?.share ?? 1;
    const messages = Math.ceil((turn.round === 0 ? warmUp : options.messages) * share);
    const result = await stage.play(turn, messages);
    recorder.add(turn, messages, result);
    const line = recorder.turns.at(-1);
    if (line !== undefined) say(turnLine(line));
  }
}

/** Resolves with the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === 'help') {
    console.log(helpText());
    return 0;
  }
  return 'suite' in options ? await runSuite({ ...options, say }) : await runScenario(options, commandOf(args));
}

/** Without what says only where the results go. */
function commandOf(args: readonly string[]): string {
  const words = args.filter((arg, i) => arg !== '--skip-build' && arg !== '--json' && args[i - 1] !== '--json');
  return `npm run bench -- ${words.join(' ')}`;
}

/** Resolves with the exit code. */
async function runScenario(options: BenchOptions, command: string): Promise<number> {
  const { scenario, rounds, messages, parameters } = options;
  if (options.before !== undefined) process.env['MILLRACE_BEFORE'] = resolve(options.before);
  const recorder = new Recorder();
  const warmUpMessages = aboutScenario(scenario).warmUp(messages);
  if (options.json !== undefined) await mkdir(dirname(options.json), { recursive: true });
  say(options.skipBuild ? 'building bench/.build' : 'building dist and bench/.build');
  await build(options.skipBuild);
  const field = await prepareContenders(options.contenders, say);
  const { present, missing, besides } = field;
  for (const [name, reason] of Object.entries(missing)) say(`not measured on this machine: ${name}: ${reason}`);
  if (present.length === 0) throw new Error('none of the contenders can run on this machine');
  const busyShare = await quietMachine(options.force);
  say(`${scenario}: ${present.join(', ')}; ${rounds} rounds of ${messages} after a warm-up; seed ${options.seed}`);
  await onStage(options, field, async (stage) => {
    const machine = describeMachine(options, stage.servers, { busyShare, warmUpMessages, command, missing, besides });
    await measure(stage, recorder, { options, contenders: present, warmUp: warmUpMessages });
    const run = { scenario, parameters, settings: options.settings, machine };
    const results = recorder.results(present, run);
    console.log(finalReport(results, recorder));
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);
  });
  if (recorder.failed) say('FAILED: messages lost, duplicated or otherwise not as they should be, see above');
  return recorder.failed ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // a contender's own failure has already been printed by its process, with its stack
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
