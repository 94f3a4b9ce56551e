import type { Command, Flag } from './command.ts';
import type { Paint } from './paint.ts';

const INDENT = '  ';
const WIDTH = 100;

/** `millrace --help`. */
export function generalHelp(commands: readonly Command[], paint: Paint): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return [
    `${paint('bold', 'millrace')} runs tasks from RabbitMQ in threads and stores their effects in MongoDB.`,
    '',
    `Usage: millrace <command> [flags]`,
    '',
    ...columns(rows, paint),
    '',
    `millrace <command> --help says more. millrace --version prints the version.`,
    '',
  ].join('\n');
}

/** `millrace <group> --help`: the commands whose names begin with that word. */
export function groupHelp(group: string, commands: readonly Command[], paint: Paint): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return [
    `Usage: ${paint('bold', `millrace ${group}`)} <command> [flags]`,
    '',
    ...columns(rows, paint),
    '',
    `millrace ${group} <command> --help says more.`,
    '',
  ].join('\n');
}

/** `millrace <command> --help`. */
export function commandHelp(command: Command, paint: Paint): string {
  const rows = command.flags.map((flag) => [flagSyntax(flag), flag.summary] as const);
  return [
    `Usage: ${paint('bold', `millrace ${command.name}`)} ${usageOf(command)}`,
    '',
    ...wrap(command.description, WIDTH),
    '',
    ...columns(rows, paint),
    '',
    'Examples:',
    ...command.examples.map((example) => `${INDENT}${example}`),
    '',
  ].join('\n');
}

/** What follows the name. */
export function usageOf({ operands }: Command): string {
  return operands === undefined ? '[flags]' : `${operands} [flags]`;
}

export function flagSyntax({ name, short, value, multiple }: Flag): string {
  const long = value === undefined ? `--${name}` : `--${name} ${value}`;
  return `${short === undefined ? '' : `-${short}, `}${long}${multiple === true ? ' …' : ''}`;
}

function columns(rows: readonly (readonly [string, string])[], paint: Paint): string[] {
  const left = Math.max(...rows.map(([name]) => name.length));
  return rows.flatMap(([name, text]) => {
    const [first = '', ...rest] = wrap(text, WIDTH - left - 4);
    const padded = paint('cyan', name) + ' '.repeat(left - name.length);
    return [`${INDENT}${padded}  ${first}`, ...rest.map((line) => `${INDENT}${' '.repeat(left)}  ${line}`)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    const line = lines[last] ?? '';
    if (line === '') lines[last] = word;
    else if (line.length + 1 + word.length <= width) lines[last] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
