import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { SendManyOptions } from '../client/send-options.ts';
import { readTiming } from '../client/send-timing.ts';
import { optionsFromEnv } from '../config/from-env.ts';
import type { Duration } from '../support/duration.ts';
import { type Command, type CommandIo, type FlagValues, isOn, textOf, textsOf, UsageError } from './command.ts';
import { DONE } from './exit-code.ts';

const SEND_AT_ONCE = 1_000;

/** `millrace send`: one message from the command line, or one a line from standard input. */
export const sendCommand: Command = {
  name: 'send',
  summary: 'send messages and wait until the broker has confirmed them',
  description:
    'Sends one message with --payload, or one for each line of JSON on standard input. The queue is declared if it is ' +
    'missing. Ends with 0 only when the broker has confirmed every message.',
  flags: [
    { name: 'task', short: 't', value: 'NAME', summary: 'the task that is to run' },
    { name: 'queue', short: 'q', value: 'NAME', summary: 'where the messages go' },
    { name: 'payload', short: 'p', value: 'JSON', summary: 'the payload; without it: NDJSON on standard input' },
    { name: 'delay', value: 'DURATION', summary: 'how long the messages wait before a worker gets them, e.g. 30s' },
    { name: 'at', value: 'DATE', summary: 'when a worker may get them, ISO 8601, e.g. 2026-05-01T08:00:00Z' },
    { name: 'start-within', value: 'DURATION', summary: 'how long after that their first attempt may still begin' },
    {
      name: 'broker',
      value: 'URL',
      multiple: true,
      summary: 'RabbitMQ; several times for the nodes of a cluster (AMQP_URL)',
    },
    { name: 'json', summary: 'print {"sent":N,"ids":[…]} instead of a sentence' },
  ],
  examples: [
    `millrace send --task record-call --queue calls --payload '{"caller":"+4930123"}'`,
    'millrace send --task record-call --queue calls < calls.ndjson',
    `millrace send --task remind --queue mails --payload '{"to":"a@b.c"}' --delay 30s --start-within 10m`,
  ],
  async run(values, io) {
    const [task, queue] = [required(values, 'task'), required(values, 'queue')];
    const options = { queue, ...timingOf(values) };
    const payloads = payloadsOf(values, io);
    const broker = textsOf(values, 'broker') ?? optionsFromEnv(io.env).broker;
    const { createClient } = await import('../runtime/create-client.ts');
    const client = await createClient(broker === undefined ? {} : { broker });
    const ids: string[] = [];
    try {
      for await (const chunk of payloads) ids.push(...(await client.sendMany(task, chunk, options)));
    } catch (error) {
      if (ids.length > 0) io.stderr.write(`millrace: ${ids.length} messages were confirmed before the error\n`);
      throw error;
    } finally {
      await client.close();
    }
    if (isOn(values, 'json')) io.stdout.write(`${JSON.stringify({ sent: ids.length, ids })}\n`);
    else io.stdout.write(`sent ${ids.length} message${ids.length === 1 ? '' : 's'} to '${queue}', all confirmed\n`);
    return DONE;
  },
};

/** Checked before anything is connected. */
function timingOf(values: FlagValues): Pick<SendManyOptions, 'delay' | 'at' | 'startWithin'> {
  const [delay, at, startWithin] = ['delay', 'at', 'start-within'].map((flag) => textOf(values, flag));
  const due = at === undefined ? undefined : new Date(at);
  if (due !== undefined && Number.isNaN(due.getTime()))
    throw new UsageError(`--at "${at}" is no date; expected ISO 8601, e.g. 2026-05-01T08:00:00Z`);
  const timing = {
    ...(delay === undefined ? {} : { delay: delay as Duration }),
    ...(due === undefined ? {} : { at: due }),
    ...(startWithin === undefined ? {} : { startWithin: startWithin as Duration }),
  };
  readTiming(timing);
  return timing;
}

function payloadsOf(values: FlagValues, io: CommandIo): AsyncIterable<readonly unknown[]> {
  const text = textOf(values, 'payload');
  if (text !== undefined) return once([parse(text, '--payload')]);
  if (io.stdin.isTTY === true)
    throw new UsageError('send needs --payload JSON, or a line of JSON a message on standard input');
  return chunksOf(io.stdin);
}

async function* once(chunk: readonly unknown[]): AsyncGenerator<readonly unknown[]> {
  yield chunk;
}

/** Empty lines are passed over. */
async function* chunksOf(input: Readable): AsyncGenerator<readonly unknown[]> {
  let chunk: unknown[] = [];
  let line = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line++;
    if (text.trim() === '') continue;
    chunk.push(parse(text, `line ${line} of standard input`));
    if (chunk.length < SEND_AT_ONCE) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`${where} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function required(values: FlagValues, flag: string): string {
  const text = textOf(values, flag);
  if (text === undefined || text === '') throw new UsageError(`send needs --${flag} NAME`);
  return text;
}
