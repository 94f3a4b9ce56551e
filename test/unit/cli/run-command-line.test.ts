import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { CommandIo } from '../../../src/cli/command.ts';
import { runCommandLine } from '../../../src/cli/run-command-line.ts';

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(
  words: readonly string[],
  io: Partial<CommandIo> & { readonly tty?: boolean } = {},
): Promise<Result> {
  let out = '';
  let err = '';
  const isTTY = io.tty === true;
  const code = await runCommandLine(words, {
    stdin: io.stdin ?? Readable.from([]),
    stdout: { isTTY, write: (text) => void (out += text) },
    stderr: { isTTY, write: (text) => void (err += text) },
    env: io.env ?? {},
  });
  return { code, out, err };
}

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  assert.deepEqual(await run(['--version']), { code: 0, out: `${version}\n`, err: '' });
});

test('--help lists the commands; without a command the same, with the code of wrong usage', async () => {
  const help = await run(['--help']);
  assert.equal(help.code, 0);
  for (const command of ['worker', 'send', 'demo']) assert.match(help.out, new RegExp(`^  ${command} `, 'm'));
  assert.deepEqual(await run([]), { ...help, code: 2 });
});

test('every command explains itself', async () => {
  for (const command of ['worker', 'send', 'demo']) {
    const { code, out } = await run([command, '--help']);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^Usage: millrace ${command} `));
    assert.match(out, /Examples:\n {2}\S/);
  }
});

test('commands of a group share a word: alone it lists them', async () => {
  const help = await run(['dead', '--help']);
  assert.equal(help.code, 0);
  for (const command of ['list', 'show', 'replay', 'drop']) {
    assert.match(help.out, new RegExp(`^  dead ${command} `, 'm'));
    const one = await run(['dead', command, '--help']);
    assert.match(one.out, new RegExp(`^Usage: millrace dead ${command} QUEUE \\[ID …\\] \\[flags\\]\\n`));
    assert.match(one.out, /Examples:\n {2}\S/);
  }
  assert.deepEqual(await run(['dead']), { ...help, code: 2 });
  assert.deepEqual(await run(['dead', 'lst', 'calls']), {
    code: 2,
    out: '',
    err: 'millrace: there is no command dead lst; did you mean dead list?; see --help\n',
  });
});

test('what a command has no use for is refused before anything is connected', async () => {
  assert.match((await run(['dead', 'list'])).err, /^millrace: dead list needs the name of a queue; see --help\n$/);
  assert.match((await run(['worker', 'calls'])).err, /^millrace: .*calls/);
  const age = await run(['dead', 'replay', 'calls', '--older-than', 'a week']);
  assert.deepEqual([age.code, /E_OPTION_TYPE: `filter.olderThan` is 'a week'/.test(age.err)], [2, true]);
  assert.match((await run(['dead', 'drop', 'calls', '--limit', '0'])).err, /--limit is '0'/);
});

test('an unknown command or flag is wrong usage, with what was probably meant', async () => {
  assert.deepEqual(await run(['wroker']), {
    code: 2,
    out: '',
    err: 'millrace: there is no command wroker; did you mean worker?; see --help\n',
  });
  const flag = await run(['worker', '--thread', '4']);
  assert.deepEqual(
    [flag.code, flag.err],
    [2, 'millrace: there is no flag --thread; did you mean --threads?; see --help\n'],
  );
});

test('a flag without its value is wrong usage, in one line', async () => {
  const { code, err } = await run(['worker', '--tasks']);
  assert.equal(code, 2);
  assert.match(err, /^millrace: .*--tasks.*\n$/);
});

test('an option outside its range is wrong usage, with its code', async () => {
  const { code, err } = await run(['worker', '--tasks', 'tasks.js', '--threads', '1000']);
  assert.deepEqual(
    [code, err],
    [2, 'millrace: E_OPTION_RANGE: `threads` is 1000; expected a whole number from 1 to 256\n'],
  );
});

test('the environment sets options, and flags win over it', async () => {
  const env = { MILLRACE_TASKS: 'tasks.js', MILLRACE_THREADS: '0' };
  assert.match((await run(['worker'], { env })).err, /`threads` is 0/);
  assert.match((await run(['worker', '--threads', '999'], { env })).err, /`threads` is 999/);
});

test('a worker without tasks, a message without a task or payload are wrong usage', async () => {
  assert.match((await run(['worker'])).err, /worker needs --tasks MODULE/);
  assert.match((await run(['send', '--queue', 'q'])).err, /send needs --task NAME/);
  assert.match((await run(['send', '--task', 't'])).err, /send needs --queue NAME/);
  const noPayload = await run(['send', '-t', 't', '-q', 'q'], {
    stdin: Object.assign(Readable.from([]), { isTTY: true }),
  });
  assert.deepEqual([noPayload.code, /--payload JSON/.test(noPayload.err)], [2, true]);
  const noJson = await run(['send', '-t', 't', '-q', 'q', '-p', '{']);
  assert.deepEqual([noJson.code, /--payload is no JSON/.test(noJson.err)], [2, true]);
});

test('colours are for terminals that want them', async () => {
  const coloured = (text: string): boolean => text.includes('\u001b[');
  assert.equal(coloured((await run(['--help'])).out), false);
  assert.equal(coloured((await run(['--help'], { tty: true })).out), true);
  assert.equal(coloured((await run(['--help'], { tty: true, env: { NO_COLOR: '1' } })).out), false);
  assert.equal(coloured((await run(['--help'], { tty: true, env: { TERM: 'dumb' } })).out), false);
});
