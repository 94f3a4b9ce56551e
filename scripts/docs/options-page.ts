import { type DocumentedOption, readOptions } from './read-options.ts';

/** Files with documented options: those of a runtime, of a client, of a call of `send`. */
export const OPTION_FILES = [
  'src/config/options.ts',
  'src/task/retry-policy.ts',
  'src/task/define-task.ts',
  'src/runtime/client-options.ts',
  'src/client/send-options.ts',
] as const;

/** docs/reference/options.md. */
export function optionsPage(sources: readonly string[]): string {
  const options = sources.flatMap(readOptions);
  const groups = [...new Set(options.map(({ group }) => group))];
  return [
    '# Options',
    '',
    'Generated from the option files in `src`. Durations are numbers of milliseconds, or text with a unit: `250ms`, `30s`, `5m`,',
    '`1h`. Sizes are numbers of bytes, or text with a unit of powers of 1024: `512KiB`, `64MiB`, `1GiB`. Code wins over the',
    'command line, the command line over the environment, the environment over the defaults. `startRuntime` itself reads no',
    'environment: spread `optionsFromEnv()` where you want it. A name that is not known is refused with `E_OPTION_UNKNOWN`.',
    ...groups.flatMap((group) => [
      '',
      ...section(
        group,
        options.filter((option) => option.group === group),
      ),
    ]),
    '',
  ].join('\n');
}

function section(group: string, options: readonly DocumentedOption[]): string[] {
  return [`## ${group}`, ...options.flatMap(entry)];
}

function entry({ path, type, text, defaultValue, remarks }: DocumentedOption): string[] {
  const facts = [`type \`${type}\``, ...(defaultValue === undefined ? [] : [`default ${defaultValue}`])];
  return ['', `### \`${path}\``, '', text, '', `${facts.join(' · ')}${remarks === undefined ? '' : ` · ${remarks}`}`];
}
