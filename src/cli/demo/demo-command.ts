import { type Command, type CommandIo, integerOf, isOn } from '../command.ts';
import { complain } from '../error-line.ts';
import { DONE, FAILED } from '../exit-code.ts';
import { type Paint, paintFor } from '../paint.ts';
import { group, ProgressLine } from '../progress-line.ts';
import { isInvalid } from './call-record.ts';
import { reportOf, tableOf } from './demo-report.ts';
import type { DemoProgress } from './demo-run.ts';
import type { DemoServices } from './demo-services.ts';

const DEFAULT_MESSAGES = 200_000;
const MOST_MESSAGES = 10_000_000;
const SEED = 20_260_101;

/** `millrace demo`: the whole path, with a ledger at the end. */
export const demoCommand: Command = {
  name: 'demo',
  summary: 'run a real job and check that nothing is lost or stored twice',
  description:
    'Fills a queue with call records, then drains it: threads parse, validate, normalise and score each record and store ' +
    'it. A few records are invalid on purpose and are dead-lettered. At the end the ids that were confirmed, stored and ' +
    'dead-lettered are compared. Needs nothing installed: broker and store are embedded in the process. With AMQP_URL ' +
    'and MONGO_URL set it uses those servers, with a queue and a collection of its own that are removed afterwards.',
  flags: [
    { name: 'messages', short: 'n', value: 'N', summary: `messages to run, ${group(DEFAULT_MESSAGES)} if not given` },
    { name: 'threads', value: 'N', summary: 'threads that run tasks; one less than cores if not given' },
    { name: 'json', summary: 'print one JSON object instead of the table, and no progress' },
    { name: 'keep', summary: 'leave queue and collection on the servers' },
  ],
  examples: [
    'millrace demo',
    'millrace demo --messages 1000000 --threads 4',
    'AMQP_URL=amqp://localhost MONGO_URL=mongodb://localhost/demo millrace demo --json',
  ],
  async run(values, io) {
    const messages = integerOf(values, 'messages', 1, MOST_MESSAGES) ?? DEFAULT_MESSAGES;
    const threads = integerOf(values, 'threads', 1, 256);
    const json = isOn(values, 'json');
    const paint = paintFor(io.stdout, io.env);
    const services = await openServices(io);
    try {
      if (!json) io.stdout.write(`${group(messages)} call records, ${services.name}\n`);
      const progress = json ? SILENT : progressOn(io, paint, messages);
      const { runDemo } = await import('./demo-run.ts');
      const result = await runDemo({ messages, threads, seed: SEED }, services, progress);
      const report = reportOf(services.name, result, countInvalid(messages));
      io.stdout.write(json ? `${JSON.stringify(report)}\n` : `\n${tableOf(report, paint)}`);
      return report.verified ? DONE : FAILED;
    } finally {
      await letGo(services, isOn(values, 'keep'), io);
    }
  },
};

const SILENT: DemoProgress = { filling: () => {}, filled: () => {}, draining: () => {}, drained: () => {} };

/** Both servers or none. */
async function openServices({ env, stderr }: CommandIo): Promise<DemoServices> {
  const [amqpUrl, mongoUrl] = [env['AMQP_URL'] ?? '', env['MONGO_URL'] ?? ''];
  if (amqpUrl === '' || mongoUrl === '') {
    if (amqpUrl !== mongoUrl) stderr.write('only one of AMQP_URL and MONGO_URL is set: neither is used\n');
    const { embeddedServices } = await import('./demo-services.ts');
    return embeddedServices();
  }
  const { realServices } = await import('./real-services.ts');
  return await realServices(amqpUrl, mongoUrl);
}

function progressOn(io: CommandIo, paint: Paint, messages: number): DemoProgress {
  const filling = new ProgressLine(io.stdout, paint, { label: 'filling the queue ', total: messages });
  let draining: ProgressLine | undefined;
  const drainLine = (): ProgressLine =>
    (draining ??= new ProgressLine(io.stdout, paint, { label: 'running the tasks', total: messages }));
  return {
    filling: (done) => filling.update(done),
    filled: () => filling.finish(messages),
    draining: (done) => drainLine().update(done),
    drained: () => drainLine().finish(messages),
  };
}

function countInvalid(messages: number): number {
  let count = 0;
  for (let serial = 0; serial < messages; serial++) if (isInvalid(serial)) count++;
  return count;
}

async function letGo(services: DemoServices, keep: boolean, io: CommandIo): Promise<void> {
  try {
    await (keep ? services.close() : services.remove());
    if (keep) io.stderr.write(`kept: queue and collection '${services.queue}'\n`);
  } catch (error) {
    // The result stands, or its own error is on its way: this must not replace it.
    io.stderr.write(`${complain(error).text}\nmillrace: queue and collection '${services.queue}' may be left over\n`);
  }
}
