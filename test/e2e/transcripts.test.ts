/**
 * docs/transcripts: what the log and `millrace dead show` tell of three failures, run here and compared with what is
 * checked in. `UPDATE_TRANSCRIPTS=1` writes them anew.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CliProcess, runCli } from '../support/cli-process.ts';
import { amqpUrl, managementUrl, needs } from '../support/servers.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const TASKS = fileURLToPath(new URL('../fixtures/transcripts/tasks.ts', import.meta.url));
const FOLDER = new URL('../../docs/transcripts/', import.meta.url);
const UPDATE = process.env['UPDATE_TRANSCRIPTS'] === '1';

interface Story {
  readonly file: string;
  readonly title: string;
  /** What happens, for somebody who reads this page only. */
  readonly story: string;
  readonly task: string;
  readonly payload: string;
  /** In the log when the message is done with, or about to be. */
  readonly end: string;
  /** What to see in the log. */
  readonly log: string;
  /** What to see in what `millrace dead show` prints. */
  readonly show: string;
}

const STORIES: readonly Story[] = [
  {
    file: 'retried.md',
    title: 'A task that fails three times and then succeeds',
    story:
      'A call is to be rated, but a service that the task needs is away for a moment. The task throws; the message waits\n' +
      'in the broker for 200 ms and runs again. The fourth attempt succeeds.',
    task: 'rate-call',
    payload: '{"caller":"+4930123","seconds":61}',
    end: 'the call is rated',
    log:
      'A line for each attempt that failed: which one it was, why, and when the next one comes. What the task logs itself\n' +
      'has the same id. A success is not logged: there would be a line a message.',
    show: 'The message succeeded, so it is no dead letter, and there is nothing to show.',
  },
  {
    file: 'poison.md',
    title: 'A message that is poison',
    story:
      'An image makes the thread that works on it end, each time. That costs the thread, which is replaced, and one of the\n' +
      "message's three attempts; the process and all other messages go on. After the third attempt the message goes to the\n" +
      'dead letters.',
    task: 'make-thumbnail',
    payload: '{"file":"broken.png"}',
    end: 'it goes to work.dead',
    log:
      'Three lines for each attempt: the thread ended, what it held at that moment (one message, which was running), and\n' +
      'what follows for that message. The last one, an error, says where it goes.',
    show: 'What it was, what happened at each attempt, its body, and the commands that run it again or drop it.',
  },
  {
    file: 'timed-out.md',
    title: 'A task that is killed by its timeout',
    story:
      'A pattern match computes for ever with this text. After its timeout of 500 ms the task is asked to end, by its signal;\n' +
      'it is busy and does not look. After the grace of 200 ms its thread is ended. It may try twice; then the message goes\n' +
      'to the dead letters.',
    task: 'match-pattern',
    payload: '{"text":"aaaaaaaaaaaaaaaaaaaaaaaa!"}',
    end: 'it goes to work.dead',
    log: 'The thread ended on purpose, because of the timeout. The message had its attempt counted; nothing else was in it.',
    show: 'The outcome is `timed-out` in both attempts. Whether the text or the pattern is to blame, the body can tell.',
  },
];

for (const story of STORIES) {
  test(`${story.file} shows what happens to ${story.title.toLowerCase()}`, needs(amqpUrl, managementUrl), async () => {
    await using host = await VirtualHost.create(amqpUrl as string, managementUrl as string);
    const env = { AMQP_URL: host.url };
    const worker = new CliProcess(['worker', '--tasks', TASKS, '--queue', 'work', '--threads', '1'], env);
    await worker.logged('"msg":"running"');
    const sent = await runCli(['send', '-t', story.task, '-q', 'work', '-p', story.payload], env);
    assert.equal(sent.code, 0, sent.err);
    await worker.logged(story.end);
    worker.signal('SIGTERM');
    const { code, err: log } = await worker.finish();
    assert.equal(code, 0, log);
    const shown = await runCli(['dead', 'show', 'work'], env);
    assert.equal(shown.code, 0, shown.err);

    const page = await pageOf(story, withoutChance(log), withoutChance(shown.out));
    const file = new URL(story.file, FOLDER);
    if (UPDATE) await writeFile(file, page);
    assert.equal(page, await readFile(file, 'utf8'));
  });
}

/** Replaces what differs from run to run by as many signs, so that columns stay aligned. */
function withoutChance(text: string): string {
  return text
    .replaceAll(/\d{4}-\d{2}-\d{2}([T ])\d{2}:\d{2}:\d{2}(\.\d{3})?/g, (time) => time.replaceAll(/\d/g, '#'))
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => id.replaceAll(/[^-]/g, '#'))
    .replaceAll(/"pid":\d+/g, '"pid":####')
    .replaceAll(/"threadId":\d+/g, '"threadId":#')
    .replaceAll(new RegExp(`${hostname().replaceAll('.', '\\.')}:\\d+(?: {2,})?`, 'g'), (who) =>
      who.endsWith(' ') ? 'host:####  ' : 'host:####',
    )
    .replaceAll(/WORKER +/g, 'WORKER     ')
    .replaceAll(/\d+[smhd] ago/g, '#s ago')
    .replaceAll(/"server":"[^"]*","host":"[^"]*"/g, '"server":"RabbitMQ #.#.#","host":"amqp://guest@localhost:5672"');
}

async function pageOf(story: Story, log: string, shown: string): Promise<string> {
  const { title, story: what, task, payload, log: aboutLog, show } = story;
  return [
    `# ${title}`,
    '',
    what,
    '',
    'Made by [transcripts.test.ts](../../test/e2e/transcripts.test.ts), which runs it and compares; `#` stands for digits that',
    'differ from run to run.',
    '',
    '## The task',
    '',
    '```ts',
    await sourceOf(task),
    '```',
    '',
    '```sh',
    'millrace worker --tasks tasks.js --queue work --threads 1',
    `millrace send --task ${task} --queue work --payload '${payload}'`,
    '```',
    '',
    '## The log of the worker',
    '',
    aboutLog,
    '',
    '```json',
    log.trimEnd(),
    '```',
    '',
    '## `millrace dead show work`',
    '',
    show,
    '',
    '```text',
    shown.trimEnd(),
    '```',
    '',
  ].join('\n');
}

/** The definition of a task, with the comment above it. */
async function sourceOf(task: string): Promise<string> {
  const blocks = (await readFile(TASKS, 'utf8')).trim().split('\n\n');
  const found = blocks.filter((block) => block.includes(`'${task}'`));
  assert.equal(found.length, 1, task);
  return found[0] as string;
}
