/**
 * npm run memory: a worker under load for twenty minutes, and whether its memory stays where it was at minute five.
 * --help tells the options.
 */
import { fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ensureServices } from '../scripts/services/ensure-services.ts';
import { deferred } from '../src/support/deferred.ts';
import { type AllocationReport, describeAllocation } from './harness/allocation-report.ts';
import { build, MEMORY_FILE } from './harness/build.ts';
import { thisMachine } from './harness/environment.ts';
import { fill } from './harness/filler.ts';
import type { FromMemoryChild, ToMemoryChild } from './harness/memory-child.ts';
import type { MemoryReport } from './harness/memory-report.ts';
import { judgeMemory, type MemorySample, type MemoryVerdict } from './harness/memory-verdict.ts';
import { startProgress } from './harness/progress.ts';
import { QueueAdmin } from './harness/queue-admin.ts';
import { table } from './harness/table.ts';

const HELP = `Usage: npm run memory -- [options]

Keeps a worker with the default options busy, looks every ten seconds at its resident memory, and after a collection at the
heap and the external memory of each of its threads. All must end within 10 % of what they were at minute five (of shorter
runs: after a quarter of the time). Also says how many bytes the main thread allocates a message, and by which functions: for
a full queue, before the time begins, and for messages as publishing lets them arrive, at its end.

Options
  --minutes N   how long (20)
  --threads N   threads that run tasks (the default of the product)
  --json FILE   where samples and verdicts go as JSON
  --help        this text

Exit code: 0, 1 when memory grew or the run failed, 2 when the command line is wrong.`;

const FEWEST_QUEUED = 30_000;
const CHUNK = 20_000;
/** Enough for some seconds of work with full batches. */
const BACKLOG = 400_000;
const LOOK_EVERY_MS = 100;
const MIB = 1024 * 1024;

type Measured = Pick<MemoryReport, 'samples' | 'allocation'>;

interface MemoryRun {
  readonly amqpUrl: string;
  readonly queue: QueueAdmin;
  readonly minutes: number;
  readonly threads: number | undefined;
}

const QUIET = { update: () => {}, end: () => {} };

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function measure({ amqpUrl, queue, minutes, threads }: MemoryRun): Promise<Measured> {
  const progress = startProgress('filling');
  await fill({ amqpUrl, queue: queue.queue, seed: 0, messages: BACKLOG }, progress);
  progress.end();
  const child = fork(MEMORY_FILE, { execArgv: ['--expose-gc'], stdio: ['ignore', 2, 2, 'ipc'] });
  const samples: MemorySample[] = [];
  const backlog = deferred<AllocationReport>();
  const arriving = deferred<AllocationReport>();
  child.on('message', (message: FromMemoryChild) => {
    if (message.kind === 'backlog') backlog.resolve(message.allocation);
    else if (message.kind === 'arriving') arriving.resolve(message.allocation);
    else {
      samples.push(message.sample);
      say(lineOf(message.sample));
    }
  });
  const endedEarly = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the worker ended early (exit code ${code})`)));
  });
  const tell = (message: ToMemoryChild): void => void child.send(message);
  tell({ kind: 'order', amqpUrl, queue: queue.queue, threads, backlog: BACKLOG });
  let timer: NodeJS.Timeout | undefined;
  try {
    const ofBacklog = await Promise.race([backlog.promise, endedEarly]);
    timer = setTimeout(() => tell({ kind: 'end' }), minutes * 60_000);
    await Promise.race([load(amqpUrl, queue, arriving.promise), endedEarly]);
    return { samples, allocation: { backlog: ofBacklog, arriving: await arriving.promise } };
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}

/** Keeps messages in the queue until it is enough. */
async function load(amqpUrl: string, queue: QueueAdmin, enough: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  void enough.then(() => over.abort());
  for (let seed = 1; !over.signal.aborted; seed++) {
    while (!over.signal.aborted && (await queue.ready()) >= FEWEST_QUEUED) await sleep(LOOK_EVERY_MS);
    await fill({ amqpUrl, queue: queue.queue, seed, messages: CHUNK }, QUIET);
  }
}

function lineOf({ seconds, handled, rssBytes, threads }: MemorySample): string {
  const parts = threads.map(({ name, bytes }) => `${name} ${(bytes / MIB).toFixed(1)}`);
  return `${seconds.toFixed(0).padStart(5)} s  ${handled.toLocaleString('en')} handled  RSS ${(rssBytes / MIB).toFixed(0)} MiB  ${parts.join('  ')}`;
}

async function writeReport(file: string, measured: MemoryReport): Promise<void> {
  await writeFile(file, `${JSON.stringify(measured, null, 2)}\n`);
}

function report(verdicts: readonly MemoryVerdict[], { backlog, arriving }: Measured['allocation']): string {
  const rows = verdicts.map(({ name, atMark, atEnd, ratio, ok }) => [
    name,
    (atMark / MIB).toFixed(1),
    (atEnd / MIB).toFixed(1),
    ratio.toFixed(2),
    ok ? 'ok' : 'GREW',
  ]);
  const head = ['memory, MiB', 'at the mark', 'at the end', 'ratio', 'within 10 %'];
  return [
    table(head, rows),
    describeAllocation('a full queue', backlog),
    describeAllocation('messages as they arrive', arriving),
  ].join('\n\n');
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '20' },
      threads: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const minutes = Number(values.minutes);
  const threads = values.threads === undefined ? undefined : Number(values.threads);
  if (!(minutes >= 0.5 && minutes <= 1440))
    throw new TypeError(`--minutes must be 0.5 to 1440, got "${values.minutes}"`);
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1))
    throw new TypeError(`--threads must be a whole number from 1, got "${values.threads}"`);
  await build(false);
  const services = await ensureServices({ install: process.env['INSTALL_SERVICES'] === '1' });
  const { amqpUrl } = services;
  try {
    if (amqpUrl === undefined) throw new Error(`a server is missing\n${services.describe().join('\n')}`);
    const queue = await QueueAdmin.open(amqpUrl, `millrace-memory-${process.pid}`, 'quorum');
    try {
      await queue.recreate();
      const machine = thisMachine();
      const { samples, allocation } = await measure({ amqpUrl, queue, minutes, threads });
      const verdicts = judgeMemory(samples);
      console.log(report(verdicts, allocation));
      if (values.json !== undefined)
        await writeReport(values.json, { machine, minutes, verdicts, allocation, samples });
      return verdicts.every(({ ok }) => ok) ? 0 : 1;
    } finally {
      await queue.remove();
      await queue.close();
    }
  } finally {
    await services.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof TypeError ? 2 : 1;
}
