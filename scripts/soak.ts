/**
 * `npm run soak`: everything fails at random for a while, and then every message is accounted for.
 */
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from '../src/index.ts';
import { SeededRandom } from '../test/support/fault-seed.ts';
import { TcpProxy } from '../test/support/tcp-proxy.ts';
import { MongoServer } from './services/mongo-server.ts';
import { RabbitServer } from './services/rabbitmq-server.ts';
import { collectEnds, untilDrained } from './soak/collect-ends.ts';
import { planFaults } from './soak/fault-plan.ts';
import { FaultRunner } from './soak/fault-runner.ts';
import { SOAK_FAULTS } from './soak/faults.ts';
import { Producer } from './soak/producer.ts';
import { isGood, type SoakRun, soakJson, soakText } from './soak/report.ts';
import { SentBook } from './soak/sent-book.ts';
import { closeSoakLedger, type SoakEnds } from './soak/soak-ledger.ts';
import { readSoakOptions, SOAK_HELP, type SoakOptions } from './soak/soak-options.ts';
import { QUEUE, type SoakRig, SPARE_QUEUE } from './soak/soak-rig.ts';
import { WorkerCrew } from './soak/worker-crew.ts';

const DATABASE = 'soak';
const PROGRESS_MS = 5_000;
const HEARTBEAT_S = 2;
/** Of each worker: while one is replaced, the other goes on. */
const THREADS = 2;

/** What `open` has started is ended in reverse, also when a later step fails. */
class Opened implements AsyncDisposable {
  readonly #ends: (() => Promise<unknown>)[] = [];

  async add<T>(part: Promise<T>, end: (part: T) => Promise<unknown>): Promise<T> {
    const opened = await part;
    this.#ends.unshift(() => end(opened));
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.splice(0)) await end().catch((error: unknown) => say(`not ended: ${String(error)}`));
  }
}

function logTo(file: string | undefined): (text: string) => void {
  if (file === undefined) return () => undefined;
  const stream = createWriteStream(file);
  return (text) => void stream.write(text);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function open(options: SoakOptions, book: SentBook, opened: Opened): Promise<SoakRig> {
  const random = new SeededRandom(options.seed);
  const rabbit = await opened.add(RabbitServer.start(), (server) => server.remove());
  const mongo = await opened.add(MongoServer.start(), (server) => server.remove());
  const link = (url: string): Promise<TcpProxy> =>
    opened.add(TcpProxy.start(new URL(url).host), (proxy) => proxy.stop());
  const [workerLink, storeLink, producerLink] = [
    await link(rabbit.amqpUrl),
    await link(mongo.url),
    await link(rabbit.amqpUrl),
  ];
  const broker = `${producerLink.through(rabbit.amqpUrl)}?heartbeat=${HEARTBEAT_S}`;
  const client = await opened.add(createClient({ broker, closeGrace: 0 }), (each) => each.close());
  const producer = new Producer(client, book, new SeededRandom(options.seed + 1), { queue: QUEUE, rate: options.rate });
  for (const queue of [QUEUE, SPARE_QUEUE]) await producer.sendNow('insert', 1, queue); // declares it
  const crew = new WorkerCrew(
    {
      broker: `${workerLink.through(rabbit.amqpUrl)}?heartbeat=${HEARTBEAT_S}`,
      // The server would tell the driver its own address, and the driver would go round the link.
      store: { url: `mongodb://${storeLink.address}/${DATABASE}?directConnection=true`, timeout: '6s' },
      queues: [QUEUE, SPARE_QUEUE],
      threads: THREADS,
      threadLimits: { heap: '96MiB' },
      unknownTasks: { wait: '500ms', limit: 3 },
      shutdown: { grace: '10s' },
      log: { level: 'warn' },
    },
    { tasks: 'soak-tasks', preload: ['shift-clock'], reportEveryMs: 100, logged: logTo(options.log) },
  );
  await opened.add(crew.start(options.workers), () => crew.kill());
  return { rabbit, mongo, workerLink, storeLink, producerLink, crew, producer, random };
}

async function soak(options: SoakOptions, opened: Opened): Promise<SoakRun> {
  const book = new SentBook();
  const rig = await open(options, book, opened);
  const servers = [rig.rabbit.label, rig.mongo.label];
  say(`soak: seed ${options.seed}, ${options.minutes} minutes at ${options.rate} messages/s, ${servers.join(', ')}`);
  const kinds = SOAK_FAULTS.filter(({ kind }) => options.only === undefined || kind.includes(options.only));
  const plan = planFaults(kinds, options.minutes * 60, rig.random);
  const faults = new FaultRunner(rig, plan);
  const startedAt = performance.now();
  const progress = setInterval(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    say(`${seconds} s: ${progressLine(book, rig, faults)} of ${plan.length} faults, now ${faults.current ?? 'none'}`);
  }, PROGRESS_MS);
  const over = new AbortController();
  try {
    rig.producer.start();
    const injecting = faults.run(over.signal);
    await wait(options.minutes * 60_000);
    over.abort();
    await injecting;
    await rig.producer.stop();
  } finally {
    clearInterval(progress);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  say(`soak: sent; waiting until everything has ended`);
  const drained = await untilDrained(rig, say);
  const { totals } = rig.crew;
  await rig.crew.stop();
  say('soak: reading all places');
  const ends = await collectEnds(rig, DATABASE);
  return {
    options,
    seconds,
    servers,
    ledger: closeSoakLedger(book, options.sabotage ? withoutOne(ends) : ends),
    faults: faults.injected,
    totals,
    workerStarts: rig.crew.starts,
    sentAgain: rig.producer.sentAgain,
    sendErrors: rig.producer.errors,
    drained,
    problems: [...rig.producer.problems, ...rig.crew.problems],
  };
}

/** What a lost message looks like: the ledger must notice. */
function withoutOne(ends: SoakEnds): SoakEnds {
  return { ...ends, documents: ends.documents.slice(1) };
}

function progressLine(book: SentBook, { crew }: SoakRig, { injected }: FaultRunner): string {
  const { succeeded, retried, waited, exits, reconnects } = crew.totals;
  const mib = Math.round(process.memoryUsage().rss / 2 ** 20);
  const done = injected.filter(({ evidence }) => evidence !== undefined).length;
  return (
    `${book.size} sent, ${book.confirmed} confirmed, ${succeeded} succeeded, ${retried} retried, ${waited} waited, ${crew.held} held, ${exits} threads ended, ` +
    `${reconnects} reconnects, ${mib} MiB; ${done}`
  );
}

async function main(argv: readonly string[]): Promise<number> {
  const options = readSoakOptions(argv);
  if (options === undefined) {
    process.stdout.write(SOAK_HELP);
    return 0;
  }
  const { only = '' } = options;
  if (only !== 'none' && !SOAK_FAULTS.some(({ kind }) => kind.includes(only)))
    throw new TypeError(`--only: no fault is called "${only}"`);
  const opened = new Opened();
  const interrupted = (): void => {
    process.exitCode = 1;
    void opened[Symbol.asyncDispose]().then(() => process.exit());
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const run = await soak(options, opened);
    process.stdout.write(soakText(run));
    if (options.json !== undefined) await writeFile(options.json, soakJson(run));
    return isGood(run) ? 0 : 1;
  } finally {
    await opened[Symbol.asyncDispose]();
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    say(`soak: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    const code = (error as { code?: string }).code ?? '';
    process.exitCode = code.startsWith('ERR_PARSE_ARGS') || error instanceof TypeError ? 2 : 1;
  },
);
