import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import type { MessageProperties } from '../../../src/batch/message-properties.ts';
import { queueTopology } from '../../../src/broker/topology.ts';
import type { CommandIo, FlagValues } from '../../../src/cli/command.ts';
import { type DeadCall, type DeadSession, deadCall } from '../../../src/cli/dead-call.ts';
import { dropLetters } from '../../../src/cli/dead-drop-command.ts';
import { listLetters } from '../../../src/cli/dead-list-command.ts';
import { replayLetters } from '../../../src/cli/dead-replay-command.ts';
import { showLetters } from '../../../src/cli/dead-show-command.ts';
import { createEmbedded } from '../../../src/runtime/embedded.ts';
import { openDeadLetters } from '../../../src/runtime/open-dead-letters.ts';

const QUEUE = 'images';
const REPLAY = { to: undefined, dryRun: false, json: false };
const HISTORY = [
  { attempt: 1, at: '2026-01-01T00:00:00.000Z', outcome: 'failed', code: 'E_A', message: 'first', worker: 'h:1' },
  { attempt: 2, at: '2026-01-01T00:00:02.000Z', outcome: 'failed', code: 'E_A', message: 'second', worker: 'h:2' },
];

interface Bench {
  readonly io: CommandIo;
  readonly session: DeadSession;
  /** What was printed since the last call. */
  printed(): { readonly out: string; readonly err: string };
  write(id: string | undefined, more?: Record<string, unknown>, body?: string | Buffer): Promise<void>;
  ready(queue: string): Promise<number>;
}

/** Dead letters of a queue in this process. */
async function makeBench(context: TestContext, io: Partial<CommandIo> = {}): Promise<Bench> {
  const embedded = createEmbedded();
  const [broker, mine] = [embedded.connect(), embedded.connect()];
  await broker.start();
  await broker.declare(queueTopology(QUEUE, 'quorum'));
  const letters = await openDeadLetters({ broker: mine }, QUEUE);
  const publisher = await broker.publisher({ window: 10 });
  context.after(async () => {
    await letters.close();
    await Promise.all([broker.stop(), mine.stop()]);
  });
  let [out, err] = ['', ''];
  return {
    io: {
      stdin: Readable.from([]),
      stdout: { write: (text) => void (out += text) },
      stderr: { write: (text) => void (err += text) },
      env: {},
      ...io,
    },
    session: { letters, signal: new AbortController().signal, interrupted: () => 130 },
    printed: () => {
      const printed = { out, err };
      [out, err] = ['', ''];
      return printed;
    },
    write: async (messageId, more = {}, body = '{"n":1}') => {
      const headers = {
        'x-error-code': 'E_TASK_FAILED',
        'x-error-message': 'no such image',
        'x-outcome': 'failed',
        'x-attempt': 2,
        'x-queue': QUEUE,
        'x-worker': 'h:2',
        'x-dead-at': new Date(Date.now() - 7_300_000).toISOString(),
        ...more,
      };
      const properties: MessageProperties = { type: 'resize', contentType: 'application/json', headers };
      if (messageId !== undefined) properties.messageId = messageId;
      await publisher.publish({ exchange: '', routingKey: `${QUEUE}.dead`, properties, body: Buffer.from(body) });
    },
    ready: (queue) => broker.readyCount(queue),
  };
}

function call(ids: readonly string[] = [], values: FlagValues = {}): DeadCall {
  return deadCall('dead list', values, [QUEUE, ...ids]);
}

test('the list is a table for people, with how many there are', async (context) => {
  const { io, session, printed, write } = await makeBench(context);
  await write('id-1');
  await write('id-22', { 'x-error-code': 'E_BODY_UNDECODABLE', 'x-attempt': 1 });
  assert.equal(await listLetters(call(), session, io, false), 0);
  assert.deepEqual(printed().out.split('\n'), [
    'ID     TASK    CODE                ATTEMPTS  DIED    MESSAGE',
    'id-1   resize  E_TASK_FAILED       2         2h ago  no such image',
    'id-22  resize  E_BODY_UNDECODABLE  1         2h ago  no such image',
    '',
    "2 of 2 in 'images.dead'",
    '',
  ]);
  await listLetters(call([], { limit: '1' }), session, io, false);
  assert.match(printed().out, /\n1 of 2 in 'images\.dead'; --limit shows more\n$/);
  await listLetters(call([], { task: ['other'] }), session, io, false);
  assert.equal(printed().out, "no dead letter matches, of 2 in 'images.dead'\n");
});

test('a row fits the terminal, and no message can steer it', async (context) => {
  let out = '';
  const stdout = { isTTY: true, columns: 70, write: (text: string): void => void (out += text) };
  const { io, session, write } = await makeBench(context, { stdout, env: { NO_COLOR: '1' } });
  await write('a', { 'x-error-message': `\u001b[2J\nline two ${'x'.repeat(200)}` });
  await listLetters(call(), session, io, false);
  const row = out.split('\n')[1] ?? '';
  assert.equal(row.length, 70);
  assert.match(row, /\\x1b\[2J\\nline two x+…$/);
});

test('with --json the list is an object a line', async (context) => {
  const { io, session, printed, write } = await makeBench(context);
  await write('a');
  await write('b');
  await listLetters(call(), session, io, true);
  const lines = printed().out.trim().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    rows.map(({ id }) => id),
    ['a', 'b'],
  );
  const { deadAt, ...rest } = rows[0] ?? {};
  assert.match(String(deadAt), /^\d{4}-.*Z$/);
  assert.deepEqual(rest, {
    id: 'a',
    task: 'resize',
    queue: 'images',
    code: 'E_TASK_FAILED',
    message: 'no such image',
    outcome: 'failed',
    attempts: 2,
    worker: 'h:2',
    replays: 0,
    bodyBytes: 7,
  });
});

test('a page says what it was, what happened and what can be done', async (context) => {
  const { io, session, printed, write } = await makeBench(context);
  await write("it's 1", {
    'x-error-stack': 'Error: no such image\n    at resize (tasks.js:1:1)',
    'x-history': HISTORY,
    'x-replayed': 1,
    tenant: 'blue',
    big: 2n ** 60n,
  });
  const broker = ['amqp://me:secret@host'];
  assert.equal(await showLetters(call([], { broker }), session, io, false), 0);
  const page = printed().out;
  assert.match(page, /^Dead letter it's 1\n/);
  for (const line of [
    '  task      resize',
    '  queue     images; the dead letter is in images.dead',
    '  outcome   failed, after 2 attempts',
    '  error     E_TASK_FAILED: no such image',
    '            The task handler threw or rejected.',
    '  worker    h:2 (host and process id)',
    '  replayed  1 time before',
    '  1  2026-01-01T00:00:00.000Z  failed   h:1     E_A: first',
    '      at resize (tasks.js:1:1)',
    'Body, 7 bytes, application/json',
    '    "n": 1',
    '  tenant  blue',
    '  big     1152921504606846976',
    `    millrace dead replay images 'it'\\''s 1' --broker 'amqp://me:***@host'`,
    `    millrace dead drop images 'it'\\''s 1' --broker 'amqp://me:***@host' --yes`,
  ])
    assert.ok(page.split('\n').includes(line), `${line}\n--- is not in ---\n${page}`);
});

test('what cannot be replayed says so', async (context) => {
  const { io, session, printed, write } = await makeBench(context);
  await write('a', { 'x-original-properties': '//8=' }, Buffer.from([0, 1, 2]));
  await showLetters(call(), session, io, false);
  const page = printed().out;
  assert.match(page, /It cannot be replayed: its properties cannot be read\./);
  assert.doesNotMatch(page, /dead replay/);
  assert.match(page, /000000 {2}00 01 02/);
});

test('shown letters as JSON have everything, the body as what it is', async (context) => {
  const { io, session, printed, write } = await makeBench(context);
  await write('json', { big: 2n ** 60n, raw: Buffer.from([1, 0xff]) });
  await write('text', {}, '{"n": ');
  await write('binary', {}, Buffer.from([0xff, 0]));
  await showLetters(call(['json', 'text', 'binary']), session, io, true);
  const lines = printed().out.trim().split('\n');
  const [json, text, binary] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual([json?.['json'], text?.['text'], binary?.['base64']], [{ n: 1 }, '{"n": ', '/wA=']);
  const properties = json?.['properties'] as MessageProperties | undefined;
  assert.deepEqual(properties?.headers, { big: '1152921504606846976', raw: 'Af8=' });
});

test('an id that no letter has is said, and ends with 1', async (context) => {
  const { io, session, printed, write, ready } = await makeBench(context);
  await write('a');
  assert.equal(await showLetters(call(['a', 'b']), session, io, false), 1);
  assert.equal(printed().err, "millrace: there is no letter 'b' in 'images.dead'\n");
  assert.equal(await replayLetters(call(['a', 'b']), session, io, REPLAY), 1);
  assert.match(printed().err, /no letter 'b'/);
  assert.deepEqual([await ready(QUEUE), await ready(`${QUEUE}.dead`)], [1, 0]);
});

test('a replay says what went where, and what did not and why', async (context) => {
  const { io, session, printed, write, ready } = await makeBench(context);
  await write('a');
  await write('b', { 'x-queue': 'gone' });
  assert.equal(await replayLetters(call(), session, io, { ...REPLAY, dryRun: true }), 0);
  assert.equal(
    printed().out,
    "would replay 2 of 2 dead letters of 'images.dead': 1 to 'images', 1 to 'gone'; nothing was sent\n",
  );
  assert.equal(await replayLetters(call(), session, io, REPLAY), 1);
  assert.deepEqual(printed(), {
    out: "replayed 1 of 2 dead letters of 'images.dead': 1 to 'images', each confirmed before it was removed\n",
    err: "millrace: not replayed: b: there is no queue 'gone'; --to names another one\n",
  });
  assert.equal(await replayLetters(call(), session, io, { ...REPLAY, to: QUEUE, json: true }), 0);
  const { action, handled, queues } = JSON.parse(printed().out) as Record<string, unknown>;
  assert.deepEqual([action, handled, queues], ['replay', 1, { images: 1 }]);
  assert.equal(await ready(QUEUE), 2);
});

test('a drop asks for --yes', async (context) => {
  const { io, session, printed, write, ready } = await makeBench(context);
  await write('a');
  await write('b');
  const drop = { yes: false, dryRun: false, json: false };
  assert.equal(await dropLetters(call(['a']), session, io, drop), 2);
  assert.deepEqual(printed(), {
    out: "would drop 1 of 2 dead letters of 'images.dead'\n",
    err: 'millrace: nothing was dropped: add --yes to do it\n',
  });
  assert.equal(await dropLetters(call(['a']), session, io, { ...drop, dryRun: true }), 0);
  assert.equal(await ready(`${QUEUE}.dead`), 2);
  assert.equal(await dropLetters(call(['a']), session, io, { ...drop, yes: true }), 0);
  assert.match(printed().out, /\ndropped 1 of 2 dead letters of 'images\.dead'\n$/);
  assert.equal(await ready(`${QUEUE}.dead`), 1);
});

test('an interrupted command ends with the code of its signal', async (context) => {
  const { io, session, printed, write, ready } = await makeBench(context);
  await write('a');
  const aborted = { ...session, signal: AbortSignal.abort() };
  assert.equal(await replayLetters(call(), aborted, io, REPLAY), 130);
  assert.match(printed().err, /^millrace: interrupted: the rest is still in 'images\.dead'\n$/);
  assert.equal(await listLetters(call(), aborted, io, false), 130);
  assert.equal(await ready(`${QUEUE}.dead`), 1);
});
