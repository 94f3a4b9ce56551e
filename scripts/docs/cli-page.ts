import type { Command } from '../../src/cli/command.ts';
import { EXIT_CODES } from '../../src/cli/exit-code.ts';
import { flagSyntax, usageOf } from '../../src/cli/help.ts';
import { loadCommands } from '../../src/cli/run-command-line.ts';

/** docs/reference/cli.md. */
export async function cliPage(): Promise<string> {
  return [
    '# Command line',
    '',
    'Generated from `src/cli`. `millrace <command> --help` shows the same. An expected error is one line on standard error,',
    '`millrace: <code>: <what was wrong>`. Colours appear on terminals only, and not where `NO_COLOR` is set.',
    ...(await loadCommands()).flatMap(section),
    '',
    '## Exit codes',
    '',
    '| code | meaning |',
    '|---|---|',
    ...Object.entries(EXIT_CODES).map(([code, meaning]) => `| ${code} | ${meaning} |`),
    '',
  ].join('\n');
}

function section(command: Command): string[] {
  const { name, description, flags, examples } = command;
  return [
    '',
    `## millrace ${name}`,
    '',
    `\`millrace ${name} ${usageOf(command)}\``,
    '',
    description,
    '',
    '| flag | meaning |',
    '|---|---|',
    ...flags.map((flag) => `| \`${flagSyntax(flag).replaceAll('|', '\\|')}\` | ${flag.summary} |`),
    '',
    '```sh',
    ...examples,
    '```',
  ];
}
