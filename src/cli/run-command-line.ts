import { parseArgs } from 'node:util';
import { closestWord } from '../support/closest-word.ts';
import { type Command, type CommandIo, type FlagValues, UsageError } from './command.ts';
import { complain } from './error-line.ts';
import { DONE, WRONG_USAGE } from './exit-code.ts';
import { commandHelp, generalHelp, groupHelp } from './help.ts';
import { paintFor } from './paint.ts';
import { readVersion } from './version.ts';

/** In the order of the help. Each command loads what it works with only when it runs: `--help` is quick, `send` loads no thread pool. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  worker: async () => (await import('./worker-command.ts')).workerCommand,
  send: async () => (await import('./send-command.ts')).sendCommand,
  'dead list': async () => (await import('./dead-list-command.ts')).deadListCommand,
  'dead show': async () => (await import('./dead-show-command.ts')).deadShowCommand,
  'dead replay': async () => (await import('./dead-replay-command.ts')).deadReplayCommand,
  'dead drop': async () => (await import('./dead-drop-command.ts')).deadDropCommand,
  demo: async () => (await import('./demo/demo-command.ts')).demoCommand,
};

/** All commands, for the help and the docs. */
export async function loadCommands(): Promise<readonly Command[]> {
  return await Promise.all(Object.values(COMMANDS).map((load) => load()));
}

/** Runs one command line; resolves with the exit code. Nothing it does throws. */
export async function runCommandLine(words: readonly string[], io: CommandIo): Promise<number> {
  try {
    return await dispatch(words, io);
  } catch (error) {
    const { exitCode, text } = complain(error);
    io.stderr.write(`${text}\n`);
    return exitCode;
  }
}

async function dispatch(given: readonly string[], io: CommandIo): Promise<number> {
  const [name] = given;
  const paint = paintFor(io.stdout, io.env);
  if (name === '--version' || name === '-v') {
    io.stdout.write(`${await readVersion()}\n`);
    return DONE;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.stdout.write(generalHelp(await loadCommands(), paint));
    return name === undefined ? WRONG_USAGE : DONE;
  }
  const members = Object.keys(COMMANDS).filter((known) => known.startsWith(`${name} `));
  const second = given[1];
  if (members.length > 0 && (second === undefined || second === '--help' || second === '-h')) {
    const commands = await loadCommands();
    io.stdout.write(
      groupHelp(
        name,
        commands.filter((command) => members.includes(command.name)),
        paint,
      ),
    );
    return second === undefined ? WRONG_USAGE : DONE;
  }
  const full = members.length > 0 ? `${name} ${second}` : name;
  const load = Object.hasOwn(COMMANDS, full) ? COMMANDS[full] : undefined;
  if (load === undefined) throw unknownWord('command', full, Object.keys(COMMANDS));
  const command = await load();
  const { values, positionals } = parseFlags(command, given.slice(full.split(' ').length));
  if (values['help'] === true) {
    io.stdout.write(commandHelp(command, paint));
    return DONE;
  }
  return await command.run(values, io, positionals);
}

interface ParsedWords {
  readonly values: FlagValues;
  readonly positionals: readonly string[];
}

function parseFlags(command: Command, words: readonly string[]): ParsedWords {
  const options: Record<string, { type: 'string' | 'boolean'; multiple?: boolean; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
  };
  for (const { name, short, value, multiple } of command.flags) {
    options[name] = {
      type: value === undefined ? 'boolean' : 'string',
      ...(short === undefined ? {} : { short }),
      ...(multiple === undefined ? {} : { multiple }),
    };
  }
  for (const word of words) {
    const flag = /^--([^=]+)/.exec(word)?.[1];
    if (flag === undefined || Object.hasOwn(options, flag)) continue;
    throw unknownWord(
      'flag',
      `--${flag}`,
      Object.keys(options).map((known) => `--${known}`),
    );
  }
  try {
    return parseArgs({
      args: [...words],
      options,
      strict: true,
      allowPositionals: command.operands !== undefined,
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error));
  }
}

function unknownWord(kind: 'command' | 'flag', word: string, known: readonly string[]): UsageError {
  const meant = closestWord(word, known);
  return new UsageError(`there is no ${kind} ${word}${meant === undefined ? '' : `; did you mean ${meant}?`}`);
}
